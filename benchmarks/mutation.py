"""How many mutants a minute are verified, and how many of each operator's the tests notice.

The projects are the exercises of ../shared/data/swe/exercism.jsonl.gz with their reference solutions. Each mutant runs
in a sandbox, twice where it fails a test; `survived` are those that no test notices, `import` those whose module cannot
be imported any more, `endless` those that use up their CPU time.

Example: .venv/bin/python benchmarks/mutation.py --exercises 20 --most 15 --jobs 2
"""

import argparse
import asyncio
import gzip
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from _machine import SHARED, machine_line, stopwatch, table

from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.errors import TaskInvalid
from rl_trainer.mutation.making import MutationSettings, make_tasks
from rl_trainer.mutation.mutant import mutants
from rl_trainer.mutation.project import Project
from rl_trainer.sandbox.opening import SandboxSettings
from rl_trainer.task import Task
from rl_trainer.tasks import load_tasks
from rl_trainer.tasks.verifying import verify

_OUTCOMES = ("task", "survived", "import", "endless", "flaky")


def main(options: argparse.Namespace) -> int:
    print(machine_line(), file=sys.stderr)
    found: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory(prefix="quartermaster-bench-") as folder, stopwatch() as watch:
        projects, sites = read(options.exercises)
        asyncio.run(made(projects, Path(folder), found, options))
        seconds = watch.seconds
        made_tasks = [list(load_tasks(path))[: options.verify] for path in sorted(Path(folder).glob("*.jsonl"))]
        good, bad = asyncio.run(checked([task for each in made_tasks for task in each], options))
    tried = sum(counts.total() for counts in found.values())
    tasks = sum(counts["task"] for counts in found.values())
    rows = [
        [kind, counts.total(), *(counts[outcome] for outcome in _OUTCOMES)] for kind, counts in sorted(found.items())
    ]
    print(table(["operator", "mutants", *_OUTCOMES], rows))
    print(f"\n{len(projects)} projects with {sites:,} mutants; {tried:,} tried, {tasks:,} tasks in {seconds:.0f} s: ")
    print(f"{60 * tried / seconds:.0f} mutants and {60 * tasks / seconds:.0f} tasks a minute with {options.jobs} jobs.")
    if options.verify:
        print(f"Verified again by the grader: {good} good, {bad} bad.")
    return 1 if bad else 0


def read(exercises: int) -> tuple[list[Project], int]:
    """The reference solutions with their tests, and how many mutants they have together."""
    lines = gzip.decompress((SHARED / "swe" / "exercism.jsonl.gz").read_bytes()).splitlines()
    projects = [project(json.loads(line)) for line in lines[: exercises or None]]
    return projects, sum(len(list(mutants(each.code))) for each in projects)


def project(record: dict) -> Project:
    name = record["task_id"].rpartition("/")[2]
    return Project(
        name=name,
        files={**record["files"], **record["gold"]},
        targets=tuple(path for path in record["gold"] if path.endswith(".py")),
        tests=tuple(record["tests"]),
        test_cmd=f"python -m pytest -q {' '.join(record['tests'])}",
        group=f"exercism/{name}",
        source=record["source"],
        licence=record["licence"],
    )


async def made(
    projects: list[Project], folder: Path, found: dict[str, Counter[str]], options: argparse.Namespace
) -> None:
    settings = MutationSettings(seed=options.seed, most=options.most, jobs=options.jobs)
    for number, each in enumerate(projects, 1):
        try:
            done = await make_tasks(each, folder / f"{each.name}.jsonl", settings=settings, swe=swe(options))
        except TaskInvalid as error:
            print(error, file=sys.stderr)
            continue
        for kind, outcomes in done.by_kind.items():
            found.setdefault(kind, Counter()).update(outcomes)
        print(f"{number} of {len(projects)} projects", end="\r", file=sys.stderr)
    print(file=sys.stderr)


async def checked(tasks: list[Task], options: argparse.Namespace) -> tuple[int, int]:
    """How many tasks the grader fails as they start and passes with their gold patch, and how many not."""
    counts = Counter([verdict.ok async for verdict in verify(tasks, settings=swe(options), jobs=options.jobs)])
    return counts[True], counts[False]


def swe(options: argparse.Namespace) -> SweSettings:
    return SweSettings(sandbox=SandboxSettings(kind=options.sandbox))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exercises", type=int, default=0, help="how many projects; 0 for all")
    parser.add_argument("--most", type=int, default=0, help="tasks of each project; 0 for all that there are")
    parser.add_argument("--verify", type=int, default=2, help="tasks of each project that are graded afterwards")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sandbox", default="auto", choices=["auto", "local", "unfenced"])
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(arguments()))
