"""What the gateway costs: the same calls made directly and through it, side by side in one run.

Five ways to the tool `echo` of tests/servers/echo.py, each a process of its own that a client of the MCP SDK calls:
directly over stdio and over streamable HTTP; through `quartermaster serve` to the stdio server and to the HTTP server;
through `quartermaster gateway` (stdio) to the stdio server. The ways take turns in short rounds, so that whatever else
the machine does hits all of them alike. A second table takes the way apart: the same calls from inside a process.

Example: .venv/bin/python benchmarks/gateway_calls.py --rounds 3
"""

import argparse
import asyncio
import cProfile
import pstats
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from _machine import machine_line, milliseconds, percentile, table
from _quartermaster import TEST_SERVERS, CommandLine, free_port, running, serve
from mcp import Client, StdioServerParameters, stdio_client

from mcp_registry.gateway.meta_tools import MetaTools
from mcp_registry.home import Home
from mcp_registry.registry import Registry, open_registry
from mcp_registry.settings import Settings

PAYLOADS = {"20 bytes": "x" * 20, "100 KB": "x" * 100_000}
CALLERS = (1, 16)
_CALL_S = 60.0
_WARM_UP = 5

Call = Callable[[str], Awaitable[Any]]


@dataclass(slots=True)
class Times:
    """What was measured of one way, one payload and one number of callers."""

    calls: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.calls) / self.seconds if self.seconds else 0.0


async def main(options: argparse.Namespace) -> None:
    print(machine_line())
    with tempfile.TemporaryDirectory(prefix="quartermaster-bench-") as folder:
        command_line = CommandLine(Path(folder, "home"))
        log = Path(folder, "log")
        port = free_port()
        echo = [sys.executable, str(TEST_SERVERS / "echo.py")]
        with running(
            [*echo, "--http", str(port)], f"http://127.0.0.1:{port}/mcp", ready=f"http://127.0.0.1:{port}/", log=log
        ) as direct:
            command_line.add("stdio", *echo)
            command_line.run("servers", "add", "http", "--url", direct.url)
            command_line.run("servers", "sync")
            if options.profile:
                await profile(command_line, options.calls)
                return
            with serve(command_line, log=log) as gateway, _log(log) as errors:
                async with AsyncExitStack() as stack:

                    async def client(target: Any) -> Client:
                        return await stack.enter_async_context(Client(target, read_timeout_seconds=_CALL_S))

                    stdio = StdioServerParameters(command=echo[0], args=echo[1:])
                    through = await client(gateway.url)
                    ways = {
                        "direct, stdio": _direct(await client(stdio_client(stdio, errlog=errors))),
                        "direct, HTTP": _direct(await client(direct.url)),
                        "gateway HTTP, server stdio": _through(through, "stdio/echo"),
                        "gateway HTTP, server HTTP": _through(through, "http/echo"),
                        "gateway stdio, server stdio": _through(
                            await client(stdio_client(command_line.gateway, errlog=errors)), "stdio/echo"
                        ),
                    }
                    await compare(ways, options)
                    await take_apart(command_line, through, options)


def _log(file: Path) -> TextIO:
    return file.open("a", encoding="utf-8")


def _direct(client: Client) -> Call:
    async def call(text: str) -> None:
        _check(await client.call_tool("echo", {"text": text}), text)

    return call


def _through(client: Client, tool_id: str) -> Call:
    async def call(text: str) -> None:
        _check(await client.call_tool("call_tool", {"tool_id": tool_id, "arguments": {"text": text}}), text)

    return call


def _check(result: Any, text: str) -> None:
    if result.is_error or result.content[0].text != text:
        raise RuntimeError(f"a wrong answer: {str(result)[:500]}")


async def compare(ways: dict[str, Call], options: argparse.Namespace) -> None:
    """The first table: every way, both payloads, one caller and many."""
    for payload, text in PAYLOADS.items():
        calls = options.calls if len(text) < 1000 else max(1, options.calls // 8)
        measured = {callers: await _rounds(ways, text, callers, calls, options.rounds) for callers in CALLERS}
        rows = [_row(name, measured) for name in ways]
        headers = ["way"]
        for callers in CALLERS:
            who = "1 caller" if callers == 1 else f"{callers} callers"
            headers += [f"{who}: p50 ms", "p99 ms", "calls/s", "p50 to direct"]
        counted = f"{calls * options.rounds} calls each way with one caller, {calls * options.rounds * 4} with many"
        print(f"\nPayload of {payload}, there and back; {counted}\n")
        print(table(headers, rows), flush=True)


def _row(name: str, measured: dict[int, dict[str, Times]]) -> list[str]:
    row = [name]
    for ways in measured.values():
        times, base = ways[name], ways["direct, HTTP" if name.endswith("HTTP") else "direct, stdio"]
        p50 = percentile(times.calls, 0.5)
        ratio = f"{p50 / percentile(base.calls, 0.5):.2f}"
        row += [milliseconds(p50), milliseconds(percentile(times.calls, 0.99)), f"{times.rate:.0f}", ratio]
    return row


async def _rounds(ways: dict[str, Call], text: str, callers: int, calls: int, rounds: int) -> dict[str, Times]:
    """All ways in turn, again and again; a round of many callers has four times as many calls."""
    measured = {name: Times() for name in ways}
    for call in ways.values():
        for _ in range(_WARM_UP):
            await call(text)
    for _ in range(rounds):
        for name, call in ways.items():
            await _burst(
                call, text, callers=callers, each=calls if callers == 1 else calls * 4 // callers, times=measured[name]
            )
    return measured


async def _burst(call: Call, text: str, *, callers: int, each: int, times: Times) -> None:
    async def caller() -> None:
        for _ in range(max(1, each)):
            start = time.perf_counter()
            await call(text)
            times.calls.append(time.perf_counter() - start)

    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())
    times.seconds += time.perf_counter() - start


async def take_apart(command_line: CommandLine, through: Client, options: argparse.Namespace) -> None:
    """The second table: each layer with all layers below it, one caller, the small payload, to the stdio server."""
    async with open_registry(Home(command_line.home), Settings()) as registry:
        layers = {
            "sessions.call_tool": _sessions(registry),
            "and registry.call (policy, look-up, arguments, audit)": _registry(registry),
            "and call_tool of the meta-tools": _meta_tools(registry),
            "and HTTP with both SDK ends (gateway HTTP, server stdio)": _through(through, "stdio/echo"),
            "HTTP and both SDK ends alone (describe_tools, no server asked)": _describe(through),
        }
        measured = await _rounds(layers, PAYLOADS["20 bytes"], 1, options.calls, options.rounds)
    rows = [
        [name, milliseconds(percentile(times.calls, 0.5)), milliseconds(percentile(times.calls, 0.99))]
        for name, times in measured.items()
    ]
    print("\nWhere it goes: one caller, 20 bytes\n")
    print(table(["layer", "p50 ms", "p99 ms"], rows))


def _sessions(registry: Registry) -> Call:
    async def call(text: str) -> None:
        record = await registry.server("stdio")
        assert record is not None
        assert record.spec is not None
        result = await registry.sessions.call_tool(record.spec, "echo", {"text": text})
        assert result.text == text

    return call


def _registry(registry: Registry) -> Call:
    async def call(text: str) -> None:
        assert (await registry.call("stdio/echo", {"text": text})).text == text

    return call


def _meta_tools(registry: Registry) -> Call:
    tools = MetaTools(registry)

    async def call(text: str) -> None:
        assert (await tools.call("call_tool", {"tool_id": "stdio/echo", "arguments": {"text": text}})).text == text

    return call


def _describe(client: Client) -> Call:
    async def call(text: str) -> None:
        result = await client.call_tool("describe_tools", {"ids": ["stdio/echo"]})
        assert not result.is_error

    return call


async def profile(command_line: CommandLine, calls: int) -> None:
    """Which functions the time is spent in, inside the gateway: the meta-tools called without a client."""
    async with open_registry(Home(command_line.home), Settings()) as registry:
        call = _meta_tools(registry)
        await call("warm")
        profiler = cProfile.Profile()
        with profiler:
            for _ in range(calls):
                await call(PAYLOADS["20 bytes"])
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8, help="how often the ways take turns (default: 8)")
    parser.add_argument("--calls", type=int, default=40, help="calls of one way in one round (default: 40)")
    parser.add_argument("--profile", action="store_true", help="profile the gateway's inside instead")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_options()))
