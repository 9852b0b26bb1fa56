"""What the agent costs beside its model and its tools: both answer at once here, so all that is left is ours.

A step is one thought and one call of a tool, all of it written down. Three questions:
1. How long does a step of one run take, with runs in memory, in SQLite, in PostgreSQL (`--postgres`)?
2. How many steps a second do many runs at once make in one process, and what memory does each take?
3. How much is stored for each of 200 turns, in the journal and in the checkpoints? It must not grow with the turns.

`graph` is a planner that decides nothing (LangGraph, the nodes and the stores); `react` is the real one with prompts.

Example: .venv/bin/python benchmarks/orchestration.py --steps 200 --runs 200 --postgres
"""

import argparse
import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from _instant import LOOK, CountingLLM, choosing
from _machine import machine_line, milliseconds, percentile, table
from _postgres import running_postgres

from agent.checkpoints import open_checkpointer
from agent.deps import Deps
from agent.event import CallSettled, Recorded, encode
from agent.journal import MemoryJournal
from agent.options import Options, Status
from agent.run import run_agent
from agent.store import open_journal
from agent.testing import SimpleToolbox

_NO_END = 10**9
LANGGRAPHS = "SQLite, LangGraph's saver"
"""The runs in our store, the checkpoints in the saver that comes with LangGraph."""


@dataclass(kw_only=True)
class Bench:
    """One scenario: which planner and memory, over which stores, how many steps of how many runs."""

    planner: str
    store: str
    steps: int
    runs: int
    memory: str
    result_bytes: int

    @property
    def options(self) -> Options:
        return Options(
            planner="react",
            equipment="all",
            memory=self.memory,  # type: ignore[arg-type]
            max_steps=_NO_END,
            max_tokens=_NO_END,
            max_seconds=3_600.0,
            approve="all",
        )

    @asynccontextmanager
    async def deps(self, folder: Path, listen: Callable[[str, Recorded], None]) -> AsyncGenerator[Deps]:
        async with AsyncExitStack() as stack:
            journal, saver = MemoryJournal(), None
            if self.store != "memory":
                in_files = self.store in {"sqlite", LANGGRAPHS}
                runs = f"sqlite:///{folder}/runs.db" if in_files else self.store
                journal = await stack.enter_async_context(open_journal(runs))
                checkpoints = f"sqlite:///{folder}/checkpoints.db" if in_files else self.store
                opening = langgraphs_saver(folder) if self.store == LANGGRAPHS else open_checkpointer(checkpoints)
                saver = await stack.enter_async_context(opening)
            answer = "x" * self.result_bytes
            yield Deps(
                llm=CountingLLM(0),
                toolbox=SimpleToolbox([(LOOK, lambda _: answer)]),
                journal=journal,
                checkpointer=saver,
                listen=listen,
                choose=choosing(self.planner, self.steps),
            )


@asynccontextmanager
async def langgraphs_saver(folder: Path) -> AsyncGenerator[Any]:
    """The saver that comes with LangGraph, for comparison; as durable as ours."""
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    async with AsyncSqliteSaver.from_conn_string(str(folder / "checkpoints.db")) as saver:
        await saver.setup()
        await saver.conn.execute("PRAGMA synchronous = NORMAL")
        yield saver


async def _timed(bench: Bench, folder: Path) -> dict[str, Any]:
    """Seconds of each step as a run sees it, and of all of them together; memory before and after."""
    last: dict[str, float] = {}
    steps: list[float] = []

    def listen(run_id: str, recorded: Recorded) -> None:
        if isinstance(recorded.event, CallSettled):
            now = time.perf_counter()
            if run_id in last:
                steps.append(now - last[run_id])
            last[run_id] = now

    async with bench.deps(folder, listen) as deps:
        short = Deps(llm=deps.llm, toolbox=deps.toolbox, choose=choosing(bench.planner, 2))
        await _run(short, bench.options)  # imports and caches
        before, cpu, start = _rss(), time.process_time(), time.perf_counter()
        await asyncio.gather(*(_run(deps, bench.options) for _ in range(bench.runs)))
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    done = bench.steps * bench.runs
    tenth = max(1, len(steps) // 10)
    return {
        "p50": percentile(steps, 0.5),
        "p95": percentile(steps, 0.95),
        "first": sum(steps[:tenth]) / tenth,
        "last": sum(steps[-tenth:]) / tenth,
        "cpu": cpu / done,
        "rate": done / wall,
        "mib_a_run": (_rss() - before) / bench.runs / 2**20,
        "rss_mib": _rss() / 2**20,
    }


async def _run(deps: Deps, options: Options) -> str:
    ended = await run_agent("Look up every number", deps, options=options)
    if ended.status is not Status.DONE:
        raise SystemExit(f"a run ended {ended.status}: {ended.state.reason}")
    return ended.id


async def _stored(bench: Bench, folder: Path) -> dict[str, Any]:
    """Bytes of the journal after each turn, and of the checkpoints beside it."""
    checkpoints: list[tuple[int, int]] = []
    turn = 0

    def listen(_: str, recorded: Recorded) -> None:
        nonlocal turn
        if isinstance(recorded.event, CallSettled):
            turn += 1
            if turn % 10 == 0:
                checkpoints.append(_checkpoint_bytes(folder / "checkpoints.db"))

    async with bench.deps(folder, listen) as deps:
        events = await deps.journal.events(await _run(deps, bench.options))
    turns, size = [0], 0
    for recorded in events:
        size += len(encode(recorded.event))
        if isinstance(recorded.event, CallSettled):
            turns.append(size)
    return {"turns": turns, "checkpoints": checkpoints}


def _checkpoint_bytes(file: Path) -> tuple[int, int]:
    """How many checkpoints there are, and how many bytes they and their writes hold; of ours, or of LangGraph's."""
    with closing(sqlite3.connect(file)) as connection:
        ours = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'agent_checkpoint'").fetchone()
        table_, writes = ("agent_checkpoint", "agent_checkpoint_write") if ours else ("checkpoints", "writes")
        sql = f"SELECT count(*), coalesce(sum(length(checkpoint) + length(metadata)), 0) FROM {table_}"
        count, size = connection.execute(sql).fetchone()
        (more,) = connection.execute(f"SELECT coalesce(sum(length(value)), 0) FROM {writes}").fetchone()
    return count, size + more


def _rss() -> int:
    """Bytes of memory that this process has now."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def linear_fit(values: Sequence[float]) -> tuple[float, float]:
    """Slope and R² of the least squares line through values at 0, 1, 2, ..."""
    n = len(values)
    mean_x, mean_y = (n - 1) / 2, sum(values) / n
    xy = sum((x - mean_x) * (y - mean_y) for x, y in enumerate(values))
    xx = sum((x - mean_x) ** 2 for x in range(n))
    yy = sum((y - mean_y) ** 2 for y in values)
    return xy / xx, (xy * xy / (xx * yy) if yy else 1.0)


def _in_its_own_process(what: str, bench: Bench) -> dict[str, Any]:
    """One scenario where no other has left anything in memory."""
    print(f"{what}: {bench.planner}, {bench.memory}, {bench.runs} x {bench.steps}", file=sys.stderr)
    done = subprocess.run(
        [sys.executable, __file__, "--one", what, json.dumps(vars(bench))],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(done.stdout)


def _one(what: str, bench: Bench) -> None:
    with tempfile.TemporaryDirectory(prefix="qm-orchestration-") as folder:
        work = {"timed": _timed, "stored": _stored}[what]
        print(json.dumps(asyncio.run(work(bench, Path(folder)))))


def _report(arguments: argparse.Namespace, stores: dict[str, str]) -> None:
    base = Bench(planner="", store="", steps=0, runs=1, memory="prism", result_bytes=arguments.result_bytes)
    print(machine_line())
    single, many = [], []
    for planner in ("graph", "react"):
        for name, store in stores.items():
            bench = replace(base, planner=planner, store=store, steps=arguments.steps)
            got = _in_its_own_process("timed", bench)
            times = [milliseconds(got[key]) for key in ("p50", "p95", "cpu", "first", "last")]
            single.append([planner, name, *times])
            each = max(1, arguments.steps // 20)
            got = _in_its_own_process("timed", replace(bench, runs=arguments.runs, steps=each))
            rate, memory = f"{got['rate']:.0f}", f"{got['mib_a_run']:.2f}"
            many.append([planner, name, rate, milliseconds(1 / got["rate"]), memory, f"{got['rss_mib']:.0f}"])
    print(f"\nOne run, {arguments.steps} steps; milliseconds a step (first and last: mean of a tenth of the steps)\n")
    print(table(["planner", "store", "p50", "p95", "CPU", "first", "last"], single))
    print(f"\n{arguments.runs} runs at once, {max(1, arguments.steps // 20)} steps each\n")
    print(table(["planner", "store", "steps/s", "ms a step", "MiB a run", "RSS in MiB"], many))
    print(f"\nBytes stored for each of {arguments.turns} turns\n")
    short, long = arguments.result_bytes, 10 * arguments.result_bytes
    cases = [
        ("full", "sqlite", short),
        ("full", LANGGRAPHS, short),
        ("full", "sqlite", long),
        ("prism", "sqlite", long),
    ]
    print(table(_STORED, [_stored_row(base, arguments.turns, *case) for case in cases]))


_STORED = ["memory", "store", "result", "journal", "first quarter", "last quarter", "R² of a line", "kept", "bytes"]


def _stored_row(base: Bench, turns: int, *case: Any) -> list[str]:
    memory, store, result_bytes = case
    bench = replace(base, planner="react", steps=turns, memory=memory, store=store, result_bytes=result_bytes)
    got = _in_its_own_process("stored", bench)
    sizes: list[int] = got["turns"]
    quarter = max(1, turns // 4)
    slope, fit = linear_fit(sizes)
    first, last = sizes[quarter] / quarter, (sizes[-1] - sizes[-1 - quarter]) / quarter
    count, size = (max(each[i] for each in got["checkpoints"]) for i in (0, 1))
    numbers = [f"{slope:.0f}", f"{first:.0f}", f"{last:.0f}", f"{fit:.4f}", f"{count}", f"{size:,}"]
    return [memory, store, str(result_bytes), *numbers]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200, help="of one run (many runs make a twentieth each)")
    parser.add_argument("--runs", type=int, default=200, help="at the same time")
    parser.add_argument("--turns", type=int, default=200, help="whose bytes are counted")
    parser.add_argument(
        "--result-bytes",
        type=int,
        default=200,
        help="of each tool's answer; ten times as many where memory is to be taken in",
    )
    parser.add_argument("--postgres", action="store_true", help="also over a PostgreSQL of our own")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        _one(arguments.one[0], Bench(**json.loads(arguments.one[1])))
        return
    stores = {"memory": "memory", "SQLite": "sqlite", LANGGRAPHS: LANGGRAPHS}
    if not arguments.postgres:
        _report(arguments, stores)
        return
    with running_postgres() as url:
        _report(arguments, {**stores, "PostgreSQL": url})


if __name__ == "__main__":
    main()
