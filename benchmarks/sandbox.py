"""Episodes of honest and of hostile commands in local sandboxes, many at once: false failures, leaks, throughput.

An episode opens a sandbox, runs commands in it and closes it. Honest ones write a small module with its tests, run
them with `python -m unittest`, break the module, see the tests fail, mend it in a fork and see them pass. Hostile ones
are fork bombs, memory hogs (one process, and many), infinite loops, file fillers, endless output, and processes that
try to outlive their command. Which is which follows from the seed. An honest episode that does not pass is a false
failure. A failure of the world (wall time) is tried again, and counted. Hostile ones must end within their limits.
Afterwards there may be no process, mount, descriptor or folder that was not there before.

Example: .venv/bin/python benchmarks/sandbox.py --episodes 100 --concurrency 16
"""

import argparse
import asyncio
import contextlib
import gc
import os
import random
import resource
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from _machine import machine_line, milliseconds, percentile, table

from rl_trainer.errors import WorldFailed
from rl_trainer.sandbox.local import open_local
from rl_trainer.sandbox.sandbox import Limits, Ran, Sandbox

_TRIES = 5
_FORK_BOMB = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n"
_HOGS = "import os, time\nfor _ in range(4): os.fork()\nhog = b'x' * (40 << 20)\ntime.sleep(1000)\n"
_FILLER = (
    "import itertools\nfor n in itertools.count():\n"
    "    try: open(f'/tmp/{n}', 'wb').write(bytes(1 << 20))\n    except OSError as error: print(error); break\n"
)
_MANY_FILES = (
    "import itertools\nfor n in itertools.count():\n"
    "    try: open(str(n), 'w').close()\n    except OSError as error: print(error); break\n"
)
HOSTILE: dict[str, tuple[str, frozenset[str]]] = {
    "fork bomb": (_FORK_BOMB, frozenset({"cpu"})),
    "memory hog": ("hog = bytearray(1 << 31)", frozenset({"MemoryError"})),
    "many memory hogs": (_HOGS, frozenset({"memory"})),
    "infinite loop": ("while True: pass", frozenset({"cpu"})),
    "file filler": (_FILLER, frozenset({"No space left"})),
    "too many files": (_MANY_FILES, frozenset({"No space left"})),
    "endless output": ("while True: print('x' * 1000)", frozenset({"output", "cpu"})),
    "outliving": (
        "import os, time\nfor _ in range(3):\n    if os.fork() == 0: os.setsid(); os.fork(); time.sleep(1000)\n",
        frozenset({"0"}),
    ),
}
"""Programs by name, and what their end must show: the limit that ended them, words of their output, or their code."""


@dataclass(slots=True)
class Tally:
    """What came of all episodes."""

    passed: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list)
    tried_again: Counter[str] = field(default_factory=Counter[str])
    given_up: int = 0
    seconds: list[float] = field(default_factory=list)
    honest_seconds: list[float] = field(default_factory=list)
    opening_seconds: list[float] = field(default_factory=list)


def honest_files(number: random.Random) -> dict[str, bytes]:
    """A module and its tests, different each time."""
    a, b = number.randrange(2, 50), number.randrange(50, 99)
    module = f"def combine(x, y):\n    return x * {a} + y - {b}\n"
    tests = (
        "import unittest\nfrom combined import combine\n\n\nclass Combined(unittest.TestCase):\n"
        f"    def test_zero(self):\n        self.assertEqual(combine(0, 0), -{b})\n\n"
        f"    def test_one(self):\n        self.assertEqual(combine(1, {b}), {a})\n"
    )
    return {"combined.py": module.encode(), "test_combined.py": tests.encode()}


async def honest(sandbox: Sandbox, files: dict[str, bytes], tally: Tally) -> str:
    """What was wrong, or nothing."""

    async def tests(where: Sandbox) -> Ran:
        ran = await where.run("python -m unittest -q")
        tally.honest_seconds.append(ran.seconds)
        return ran

    first = await tests(sandbox)
    if not first.ok or "OK" not in first.output:
        return f"right tests failed: {first}"
    await sandbox.run("sed -i 's/ + y/ - y/' combined.py")
    broken = await tests(sandbox)
    if broken.code != 1 or "FAILED" not in broken.output:
        return f"broken tests did not fail: {broken}"
    async with sandbox.fork() as copy:
        await copy.write("combined.py", files["combined.py"])
        mended = await tests(copy)
        if not mended.ok or await copy.files() != files:
            return f"mended tests failed: {mended}"
    return ""


async def hostile(sandbox: Sandbox, name: str, limits: Limits) -> str:
    """What was wrong, or nothing."""
    program, ends = HOSTILE[name]
    await sandbox.write("program.py", program.encode())
    ran = await sandbox.run("python program.py", limits=limits)
    if not any(end in (ran.killed, str(ran.code)) or end in ran.output for end in ends):
        return f"{name} did not end with {' or '.join(sorted(ends))}: {str(ran)[:300]}"
    # A full disk is a sandbox's own affair, and so is everything else: the next command runs.
    after = await sandbox.run("echo alive")
    return "" if after.output == "alive\n" else f"after {name} a command said {after.output[:300]!r}"


def kind(number: int, options: argparse.Namespace) -> str:
    """What the episode is: `honest`, or the name of a hostile program."""
    chance = random.Random(f"{options.seed}:{number}")
    return chance.choice(sorted(HOSTILE)) if chance.random() < options.hostile else "honest"


async def episode(number: int, options: argparse.Namespace, tally: Tally) -> None:
    """One episode, tried again where the world failed."""
    name = kind(number, options)
    files = honest_files(random.Random(f"{options.seed}:{number}:files"))
    limits = Limits(wall_s=options.wall_s, memory_mb=256, disk_mb=16, file_mb=4, processes=32, output_kb=16)
    tight = Limits(cpu_s=1, wall_s=options.wall_s, memory_mb=256, file_mb=4, processes=32, output_kb=16)
    for _ in range(_TRIES):
        start = time.perf_counter()
        try:
            async with open_local(files if name == "honest" else None, limits=limits) as sandbox:
                tally.opening_seconds.append(time.perf_counter() - start)
                wrong = await (honest(sandbox, files, tally) if name == "honest" else hostile(sandbox, name, tight))
        except WorldFailed:
            tally.tried_again[name] += 1
            continue
        tally.seconds.append(time.perf_counter() - start)
        tally.passed[name] += not wrong
        if wrong:
            tally.wrong.append(wrong)
        return
    tally.given_up += 1


def traces() -> dict[str, int]:
    """What there is on this machine that a sandbox might leave behind."""
    gc.collect()
    return {
        "processes": len(descendants(os.getpid())),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "mounts": len(Path("/proc/self/mounts").read_text().splitlines()),
        "folders": len(list(Path(tempfile.gettempdir()).iterdir())),
        "memory MiB": int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20,
    }


def descendants(ancestor: int) -> set[int]:
    """All processes that come from one. A sandbox's cannot be lost to it: the holder dies with its starter."""
    parents: dict[int, int] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
    found, new = set[int](), {ancestor}
    while new:
        new = {process for process, parent in parents.items() if parent in new}
        found |= new
    return found


async def storm(options: argparse.Namespace, tally: Tally) -> float:
    """All episodes, at most so many at once; the seconds that they took."""
    places = asyncio.Semaphore(options.concurrency)

    async def placed(number: int) -> None:
        async with places:
            await episode(number, options, tally)

    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(options.episodes):
            group.create_task(placed(number))
    return time.perf_counter() - start


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--hostile", type=float, default=0.5, help="their share (default 0.5)")
    parser.add_argument("--wall-s", type=float, default=300.0, help="wall time of one command (default 300)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(machine_line(), flush=True)
    print(f"{options.episodes} episodes, {options.concurrency} at once, seed {options.seed}\n", flush=True)
    warm = {**vars(options), "episodes": min(8, options.episodes), "hostile": 0.0}
    with tempfile.TemporaryDirectory() as own:
        tempfile.tempdir = own
        await storm(argparse.Namespace(**warm), Tally())
        return await measured(options)


async def measured(options: argparse.Namespace) -> int:
    """The storm with its figures; 1 where something was wrong."""
    before, tally = traces(), Tally()
    cpu = os.times()
    seconds = await storm(options, tally)
    used = os.times()
    after = traces()
    counted = Counter(kind(number, options) for number in range(options.episodes))
    rows = [(name, counted[name], tally.passed[name], tally.tried_again[name]) for name in sorted(counted)]
    print(table(("episode", "run", "as it must be", "tried again"), rows))
    print()
    spent = sum(used[:4]) - sum(cpu[:4])
    figures = [
        ("episodes a second", f"{options.episodes / seconds:.2f}"),
        ("CPU seconds an episode", f"{spent / options.episodes:.2f}"),
        ("opening p50 / p95, ms", _pair(tally.opening_seconds)),
        ("honest test run p50 / p95, ms", _pair(tally.honest_seconds)),
        ("episode p50 / p95, ms", _pair(tally.seconds)),
        ("false failures", sum(wrong.startswith(("right", "mended", "broken")) for wrong in tally.wrong)),
        ("hostile ones that did not end as they must", sum(" did not end" in wrong for wrong in tally.wrong)),
        ("world failures tried again", tally.tried_again.total()),
        ("given up", tally.given_up),
    ]
    print(table(("figure", "value"), figures))
    print()
    print(table(("left behind", "before", "after"), [(name, before[name], after[name]) for name in before]))
    for wrong in tally.wrong[:10]:
        print(f"\nwrong: {wrong}")
    leaks = any(after[name] > before[name] for name in ("processes", "mounts", "descriptors", "folders"))
    return int(bool(tally.wrong or tally.given_up or leaks))


def _pair(values: list[float]) -> str:
    return f"{milliseconds(percentile(values, 0.5))} / {milliseconds(percentile(values, 0.95))}"


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
