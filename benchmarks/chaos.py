"""Servers that die, hang and flood in the middle of 200 concurrent calls: who is answered, when, and what is left.

Seven servers behind one `quartermaster serve`, called by clients of the MCP SDK over HTTP: five good ones (echo.py)
with 40 calls each in flight at once, one that never answers a call, one that floods its stdout without a newline when
called. As soon as a quarter of the 200 calls is answered, one good server is killed (SIGKILL) and one is frozen
(SIGSTOP). Every call must have an answer within its deadline, the three servers that nothing happened to must answer
every call, and no process may be left when the gateway has ended. Then every server is called until it answers again.

Example: .venv/bin/python benchmarks/chaos.py --call-timeout 5
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _machine import machine_line, table
from _quartermaster import TEST_SERVERS, CommandLine, Running, serve
from mcp import Client, MCPError

from mcp_registry.catalogue import open_catalogue
from mcp_registry.home import Home

GOOD = tuple(f"echo-{number}" for number in range(1, 6))
KILLED, FROZEN = "echo-2", "echo-4"
_STORM_TOOLS = {"sleep", "wait", "flood"}
_CALLS = 200
_CLIENTS = 20
_MARK = "QUARTERMASTER_BENCH_MARK"
_MARGIN_S = 0.25
_RECOVERY_S = 60.0


@dataclass(slots=True)
class Tally:
    """How the calls of one server ended, and what each took in seconds, as its caller sees it."""

    ok: int = 0
    errors: int = 0
    unanswered: int = 0
    seconds: list[float] = field(default_factory=list)
    said: str = ""
    back_after: float | None = None


@dataclass(slots=True)
class Storm:
    """What all clients see of the calls; it is ready when all of them are connected, at its height in the middle."""

    deadline_s: float
    tallies: dict[str, Tally] = field(default_factory=dict)
    answered: int = 0
    ready: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(_CLIENTS))
    height: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self, client: Client, server: str, tool: str, arguments: dict[str, Any]) -> None:
        """One call, counted."""
        tally = self.tallies.setdefault(server, Tally())
        start = time.perf_counter()
        try:
            result = await client.call_tool("call_tool", {"tool_id": f"{server}/{tool}", "arguments": arguments})
        except MCPError as error:
            tally.unanswered += 1
            tally.said = str(error)
        else:
            tally.ok += not result.is_error
            tally.errors += bool(result.is_error)
            if result.is_error:
                tally.said = _text(result)
        tally.seconds.append(time.perf_counter() - start)
        self.answered += 1
        if self.answered >= _CALLS // 4:
            self.height.set()


def main(options: argparse.Namespace) -> int:
    print(machine_line())
    if not Path("/proc/self/environ").exists():
        print("skipped: the processes are found in /proc, which this system does not have")
        return 0
    with tempfile.TemporaryDirectory(prefix="quartermaster-bench-") as folder:
        command_line = CommandLine(Path(folder, "home"))
        log = Path(folder, "log")
        mark = f"bench-{os.getpid()}"
        register(command_line, mark, options.call_timeout)
        with serve(command_line, log=log) as gateway:
            storm = asyncio.run(havoc(gateway, mark, options.call_timeout))
            megabytes = _peak_megabytes(gateway.process.pid)
        at_once = len(marked(mark))
        time.sleep(2)
        report(storm, options.call_timeout, seconds_within(command_line))
        print(f"\nMost memory of the gateway: {megabytes:.0f} MB")
        print(f"Server processes when the gateway had ended: {at_once}, and 2 s later: {len(marked(mark))}")
        with serve(command_line, log=log) as gateway:
            asyncio.run(kill_gateway(gateway, mark))
    return 0


def register(command_line: CommandLine, mark: str, call_s: float) -> None:
    """All seven servers, each with a mark of its own in its environment, synced."""
    argv = {name: ["echo.py"] for name in GOOD}
    argv |= {"hangs": ["silent.py", "calls"], "floods": ["flood.py", "endless-line", "at-call"]}
    for name, (script, *more) in argv.items():
        command_line.add(
            name,
            sys.executable,
            str(TEST_SERVERS / script),
            *more,
            env={_MARK: f"{mark}.{name}."},
            options=("--call-timeout", str(call_s)),
        )
    command_line.run("servers", "sync")


async def havoc(gateway: Running, mark: str, call_s: float) -> Storm:
    """All calls at once, the blow in the middle, and the way back."""
    storm = Storm(call_s)
    await warm_up(gateway)
    async with asyncio.TaskGroup() as group:
        for number in range(_CLIENTS):
            group.create_task(client_in(storm, gateway, number))
        await storm.height.wait()
        blow(mark)
    for name in storm.tallies:
        storm.tallies[name].back_after = await back(gateway, name)
    return storm


async def warm_up(gateway: Running) -> None:
    """Every server is started by its first call; that is not what is measured here."""
    async with Client(gateway.url, read_timeout_seconds=60) as client:
        for name in (*GOOD, "floods"):
            tool = "hello" if name == "floods" else "add"
            arguments = {} if name == "floods" else {"a": 1, "b": 2}
            result = await client.call_tool("call_tool", {"tool_id": f"{name}/{tool}", "arguments": arguments})
            if result.is_error:
                raise RuntimeError(f"{name} does not even start: {_text(result)}")


async def client_in(storm: Storm, gateway: Running, number: int) -> None:
    """One client with its share of the calls, all of them at the same time."""
    async with Client(gateway.url, read_timeout_seconds=storm.deadline_s * 4) as client:
        await storm.ready.wait()
        async with asyncio.TaskGroup() as group:
            for call in range(number, _CALLS, _CLIENTS):
                seconds = round(0.1 + 1.9 * call / _CALLS, 3)
                name = GOOD[call // _CLIENTS % len(GOOD)]
                group.create_task(storm.call(client, name, "sleep", {"seconds": seconds}))
            if number < _CLIENTS // 4:
                group.create_task(storm.call(client, "hangs", "wait", {}))
                group.create_task(storm.call(client, "floods", "flood", {}))


def blow(mark: str) -> None:
    for name, number in ((KILLED, signal.SIGKILL), (FROZEN, signal.SIGSTOP)):
        for pid in marked(f"{mark}.{name}."):
            os.kill(pid, number)


async def back(gateway: Running, name: str) -> float | None:
    """Seconds from the end of the storm until the server answers an ordinary call again; None when it never does."""
    if name == "hangs":
        return None
    tool, arguments = ("hello", {}) if name == "floods" else ("add", {"a": 1, "b": 2})
    start = time.perf_counter()
    async with Client(gateway.url, read_timeout_seconds=_RECOVERY_S) as client:
        while time.perf_counter() - start < _RECOVERY_S:
            result = await client.call_tool("call_tool", {"tool_id": f"{name}/{tool}", "arguments": arguments})
            if not result.is_error:
                return time.perf_counter() - start
            await asyncio.sleep(0.2)
    return None


def report(storm: Storm, call_s: float, within: Mapping[str, list[float]]) -> None:
    """Late is what the gateway itself answered after its deadline; what its caller waited includes the crowd."""
    fates = {KILLED: "killed", FROZEN: "frozen", "hangs": "never answers a call", "floods": "floods when called"}
    rows: list[list[str]] = []
    for name, tally in sorted(storm.tallies.items()):
        back_s = "-" if tally.back_after is None else f"{tally.back_after:.1f}"
        late = sum(seconds > call_s + _MARGIN_S for seconds in within[name])
        slowest = [f"{max(tally.seconds):.2f}", f"{max(within[name]):.2f}"]
        counts = [tally.ok, tally.errors, tally.unanswered, late]
        rows.append([name, fates.get(name, "left alone"), *map(str, counts), *slowest, back_s])
    headers = ["server", "fate", "ok", "error result", "no answer", "late"]
    headers += ["slowest: caller s", "gateway s", "back after s"]
    print(f"\n{_CALLS} calls at once to five servers and 10 to two more, {_CLIENTS} clients, deadline {call_s:g} s\n")
    print(table(headers, rows))
    print("\nThe last error of each:")
    for name, tally in sorted(storm.tallies.items()):
        if tally.said:
            print(f"- {name}: {' '.join(tally.said.split())[:300]}")


def seconds_within(command_line: CommandLine) -> dict[str, list[float]]:
    """What the calls of the storm took by the gateway's own audit, by server."""
    found: dict[str, list[float]] = {}
    with open_catalogue(Home(command_line.home).database_url) as catalogue:
        for row in catalogue.calls(10_000):
            if row.tool in _STORM_TOOLS:
                found.setdefault(row.server, []).append(row.seconds)
    return found


async def kill_gateway(gateway: Running, mark: str) -> None:
    """The gateway itself is killed: its servers must notice that nobody is there any more."""
    async with asyncio.timeout(60):
        async with Client(gateway.url, read_timeout_seconds=30) as client:
            for name in GOOD:
                await client.call_tool("call_tool", {"tool_id": f"{name}/echo", "arguments": {"text": "there?"}})
        before = len(marked(mark))
        gateway.process.kill()
        gone = await _within(10.0, lambda: not marked(mark))
    print(
        f"After SIGKILL of the gateway itself: {before} server processes, {len(marked(mark))} left after {gone:.1f} s"
    )


async def _within(seconds: float, done: Callable[[], bool]) -> float:
    start = time.perf_counter()
    while not done() and time.perf_counter() - start < seconds:  # noqa: ASYNC110 - a process tells no event
        await asyncio.sleep(0.1)
    return time.perf_counter() - start


def _text(result: Any) -> str:
    return " ".join(getattr(part, "text", "") for part in result.content)


def marked(mark: str) -> list[int]:
    """The processes that have a mark in their environment; zombies, which have none any more, are not counted."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def _peak_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--call-timeout", type=float, default=5.0, help="the deadline of a call in seconds (default: 5)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(_options()))
