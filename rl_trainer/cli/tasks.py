"""`quartermaster train tasks`: make tasks from a project, look at them, verify and split them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from mcp_registry.cli.console import JsonOption, note, print_json, show, table, working
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.errors import TaskInvalid
from rl_trainer.mutation.making import Made, MutationSettings, make_tasks
from rl_trainer.mutation.operators import OPERATORS
from rl_trainer.mutation.project import read_project
from rl_trainer.sandbox.local import LocalSettings
from rl_trainer.sandbox.opening import Kind, SandboxSettings
from rl_trainer.sandbox.sandbox import Limits
from rl_trainer.task import Task
from rl_trainer.tasks import BadRecord, Wanted, load_tasks
from rl_trainer.tasks import split as split_tasks
from rl_trainer.tasks.contents import Contents, from_clones, from_images, nowhere
from rl_trainer.tasks.verifying import Verdict, verify
from rl_trainer.tasks.visibility import hide_tests

app = typer.Typer(no_args_is_help=True)

SourceArgument = Annotated[str, typer.Argument(help="A file of tasks or records, a folder, or a data set on the hub.")]
FormatOption = Annotated[str | None, typer.Option("--format", help="The records' form; recognised when left out.")]
PythonOption = Annotated[
    str, typer.Option("--python", help="An interpreter with what the tests need; pytest, for one.", show_default=False)
]
SandboxOption = Annotated[Kind, typer.Option("--sandbox", help="Where commands run.")]
JobsOption = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Sandboxes at once.")]


@app.callback()
def tasks() -> None:
    """Make tasks from a tested project; list, show, verify and split tasks."""


@app.command("make", epilog="Example: quartermaster train tasks make ./my-project --out tasks.jsonl --most 500")
def make(
    project: Annotated[Path, typer.Argument(help="The project's folder; its tests must pass.")],
    out: Annotated[Path, typer.Option("--out", help="The file to append to; run again to go on.")] = Path(
        "tasks.jsonl"
    ),
    most: Annotated[int, typer.Option("--most", min=0, help="How many tasks; 0 for all that there are.")] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Of the order in which bugs are tried.")] = 0,
    operators: Annotated[
        str, typer.Option("--operators", help=f"Kinds of bugs, with commas between; all: {', '.join(OPERATORS)}.")
    ] = "",
    bugs: Annotated[int, typer.Option("--bugs", min=1, help="Bugs in one task.")] = 1,
    visible: Annotated[float, typer.Option("--visible", min=0, max=1, help="Share of the tests to be seen.")] = 1.0,
    targets: Annotated[str, typer.Option("--targets", help="Patterns of the modules that may get a bug.")] = "",
    test_cmd: Annotated[str, typer.Option("--test-cmd", help="pytest or unittest with what it is to run.")] = "",
    about: Annotated[Path | None, typer.Option("--about", help="A text that each task's issue ends with.")] = None,
    licence: Annotated[str, typer.Option("--licence", help="The project's licence, for each task.")] = "",
    cpu_s: Annotated[float, typer.Option("--cpu", help="Seconds of CPU for all tests of one run.")] = 10.0,
    python: PythonOption = "",
    sandbox: SandboxOption = "auto",
    jobs: JobsOption = 2,
    as_json: JsonOption = False,
) -> None:
    """Put small bugs into a project, keep those that its tests notice: each becomes a verified task."""
    chosen = MutationSettings(
        seed=seed,
        operators=tuple(_words(operators)),
        most=most,
        bugs=bugs,
        visible=visible,
        jobs=jobs,
        limits=Limits(cpu_s=cpu_s),
    )
    text = about.read_text("utf-8") if about is not None else ""
    found = read_project(project, targets=_words(targets), test_cmd=test_cmd, about=text, licence=licence)
    with working("mutants") as tell:
        made = asyncio.run(
            make_tasks(
                found,
                out,
                settings=chosen,
                swe=_swe(python, sandbox),
                progress=lambda done, of, _: tell(done, of),
            )
        )
    if as_json:
        print_json(made)
        return
    _show_made(made, out)


@app.command(
    "import", epilog="Example: quartermaster train tasks import instances.jsonl --from-images --out tasks.jsonl"
)
def import_tasks(
    source: SourceArgument,
    out: Annotated[Path, typer.Option("--out", help="The file to write, in the project's own form.")] = Path(
        "tasks.jsonl"
    ),
    clones: Annotated[
        Path | None, typer.Option("--clones", help="Git clones (owner__name) to read what a record only has diffs of.")
    ] = None,
    images: Annotated[bool, typer.Option("--from-images", help="Read that from the records' images instead.")] = False,
    visible: Annotated[float, typer.Option("--visible", min=0, max=1, help="Share of the tests to be seen.")] = 1.0,
    most_files: Annotated[int, typer.Option("--most-files", help="Of the gold patch; the paper: 7.")] = 0,
    most_lines: Annotated[int, typer.Option("--most-lines", help="Changed by the gold patch; the paper: 499.")] = 0,
    format: FormatOption = None,  # noqa: A002
) -> None:
    """Read records of any known form and write them as tasks; what is no task is named on stderr."""
    contents = from_clones(clones) if clones is not None else from_images() if images else nowhere
    found = _loaded(source, format, Wanted(most_files=most_files, most_lines=most_lines), contents)
    hidden = [hide_tests(task, visible) if visible < 1 else task for task in found]
    out.write_bytes(b"".join(msgspec.json.encode(task) + b"\n" for task in hidden))
    typer.echo(f"{out}: {len(hidden):,} tasks")


@app.command("list", epilog="Example: quartermaster train tasks list tasks.jsonl --kind and_or")
def list_tasks(
    source: SourceArgument,
    format: FormatOption = None,  # noqa: A002
    kind: Annotated[str | None, typer.Option("--kind", help="Only this kind.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List tasks, and say which records are none."""
    found = [task for task in _loaded(source, format) if kind in {None, task.kind}]
    rows = [{"id": task.id, "kind": task.kind, "group": task.group, "licence": task.licence} for task in found]
    if as_json:
        print_json(rows)
        return
    shown = table("task", "kind", "group", "licence")
    for row in rows:
        shown.add_row(*row.values())
    show(shown)
    note(f"{len(found):,} tasks; " + ", ".join(f"{kind} {n}" for kind, n in _most_common(found)))


@app.command("show", epilog="Example: quartermaster train tasks show tasks.jsonl my-project/a.py:and_or-0 --gold")
def show_task(
    source: SourceArgument,
    task_id: Annotated[str, typer.Argument(help="The task's id.")],
    gold: Annotated[bool, typer.Option("--gold", help="The solution too.")] = False,
    format: FormatOption = None,  # noqa: A002
    as_json: JsonOption = False,
) -> None:
    """Show one task: what the agent is told, its files and its tests."""
    found = next((task for task in _loaded(source, format) if task.id == task_id), None)
    if found is None:
        raise TaskInvalid(f"{source} has no task {task_id!r}: quartermaster train tasks list {source}")
    if as_json:
        print_json(found)
        return
    data: dict[str, Any] = found.data
    typer.echo(f"{found.id}  ({found.kind}; {found.source}, {found.licence or 'no licence named'})\n\n{found.goal}\n")
    for name in ("files", "hidden_files", "fail_to_pass", "pass_to_pass", "test_cmd"):
        if value := data.get(name):
            typer.echo(f"{name}: {value if isinstance(value, str) else ', '.join(value)}")
    if gold:
        typer.echo(f"\n{data.get('gold_patch') or data.get('gold_files') or data.get('gold', 'no gold patch')}")


@app.command("verify", epilog="Example: quartermaster train tasks verify tasks.jsonl --jobs 4")
def verify_tasks(
    source: SourceArgument,
    format: FormatOption = None,  # noqa: A002
    most: Annotated[int, typer.Option("--most", min=0, help="Only the first so many; 0 for all.")] = 0,
    python: PythonOption = "",
    sandbox: SandboxOption = "auto",
    jobs: JobsOption = 2,
    as_json: JsonOption = False,
) -> None:
    """Grade each task as it starts, which must fail, and with its gold patch, which must pass. Exit 1 if one is bad."""
    found = list(_loaded(source, format))[: most or None]

    async def verified(tell: Callable[[int, int], None]) -> list[Verdict]:
        verdicts: list[Verdict] = []
        async for verdict in verify(found, settings=_swe(python, sandbox), jobs=jobs):
            verdicts.append(verdict)
            tell(len(verdicts), len(found))
        return verdicts

    with working("tasks") as tell:
        verdicts = asyncio.run(verified(tell))
    bad = [verdict for verdict in verdicts if not verdict.ok]
    if as_json:
        print_json({"tasks": len(verdicts), "good": len(verdicts) - len(bad), "bad": bad})
    else:
        for verdict in bad:
            typer.echo(f"{verdict.id}: {verdict.reason}")
        typer.echo(f"{len(verdicts) - len(bad):,} of {len(verdicts):,} tasks are what they say")
    if bad:
        raise typer.Exit(1)


@app.command(
    "split", epilog="Example: quartermaster train tasks split tasks.jsonl --out parts --shares train=0.8,test=0.2"
)
def split(
    source: SourceArgument,
    out: Annotated[Path, typer.Option("--out", help="The folder for a file a part.")] = Path("parts"),
    shares: Annotated[str, typer.Option("--shares", help="Of the groups, for each part.")] = "train=0.8,test=0.2",
    held_out: Annotated[str, typer.Option("--held-out", help="Kinds that no part learns from.")] = "",
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another split.")] = 0,
    most_files: Annotated[int, typer.Option("--most-files", help="Of the gold patch; the paper: 7.")] = 0,
    most_lines: Annotated[int, typer.Option("--most-lines", help="Changed by the gold patch; the paper: 499.")] = 0,
    format: FormatOption = None,  # noqa: A002
    as_json: JsonOption = False,
) -> None:
    """Share tasks out by a hash of their group, so that none of an exercise or a repository stands on two sides."""
    wanted = Wanted(most_files=most_files, most_lines=most_lines)
    parts = split_tasks(_loaded(source, format, wanted), seed=seed, shares=_shares(shares), held_out=_words(held_out))
    out.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        (out / f"{name}.jsonl").write_bytes(b"".join(msgspec.json.encode(task) + b"\n" for task in part))
    counts = {name: len(part) for name, part in parts.items()}
    if as_json:
        print_json(counts)
        return
    for name, count in counts.items():
        typer.echo(f"{out / name}.jsonl: {count:,} tasks")


def _loaded(
    source: str,
    format: str | None,  # noqa: A002
    wanted: Wanted | None = None,
    contents: Contents = nowhere,
) -> list[Task]:
    """The tasks; bad records are told on stderr, the first few one by one."""
    bad: list[BadRecord] = []
    found = list(load_tasks(source, format=format, wanted=wanted, contents=contents, report=bad.append))
    for record in bad[:10]:
        note(str(record))
    if len(bad) > 10:
        note(f"and {len(bad) - 10} more that are no tasks")
    return found


def _swe(python: str, kind: Kind) -> SweSettings:
    local = LocalSettings(python=str(Path(python).absolute())) if python else LocalSettings()
    return SweSettings(sandbox=SandboxSettings(kind=kind, local=local))


def _show_made(made: Made, out: Path) -> None:
    outcomes = sorted(made.outcomes)
    rows = table("kind", *outcomes)
    for kind, counts in made.by_kind.items():
        rows.add_row(kind, *(str(counts.get(outcome, 0)) for outcome in outcomes))
    show(rows)
    typer.echo(f"{out}: {made.tasks:,} tasks")
    if made.flaky_tests:
        note(f"flaky tests were left out: {', '.join(made.flaky_tests[:10])}")


def _most_common(found: list[Task]) -> list[tuple[str, int]]:
    return Counter(task.kind for task in found).most_common(12)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _shares(text: str) -> dict[str, float]:
    try:
        return {name: float(share) for name, _, share in (part.partition("=") for part in _words(text))}
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not of the form train=0.8,test=0.2") from None
