"""Calls over stdio, side by side: our sessions, and the SDK's own typed client, against the same echo server.

    python benchmarks/stdio_calls.py [--calls 1000] [--concurrency 16] [--server NAME]

Prints for each client: calls a second, the median and the 99th percentile in milliseconds, and the CPU time that a call
costs this process; one call at a time, then many at once. `--server legacy` is a hand-written server whose own cost is
small, so that the difference between the clients is not hidden behind the server's.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from mcp import Client, StdioServerParameters

from mcp_registry.server import ServerSpec, Stdio
from mcp_registry.sessions import open_sessions

SERVERS = Path(__file__).parents[1] / "tests" / "servers"

Call = Callable[[int], Awaitable[object]]


@asynccontextmanager
async def ours(script: str, tool: str) -> AsyncGenerator[Call]:
    spec = ServerSpec(name="echo", transport=Stdio(command=sys.executable, args=(script,)))
    async with open_sessions() as sessions:
        yield lambda number: sessions.call_tool(spec, tool, {"text": f"call {number}"})


@asynccontextmanager
async def sdk(script: str, tool: str) -> AsyncGenerator[Call]:
    mode = "legacy" if script.endswith("legacy.py") else "auto"
    async with Client(StdioServerParameters(command=sys.executable, args=[script]), mode=mode) as client:
        yield lambda number: client.call_tool(tool, {"text": f"call {number}"}, read_timeout_seconds=60)


async def measure(call: Call, calls: int, concurrency: int) -> dict[str, float]:
    """What it took to make so many calls, so many at a time."""
    times: list[float] = []
    numbers = iter(range(calls))

    async def work() -> None:
        for number in numbers:
            started = time.perf_counter()
            await call(number)
            times.append(time.perf_counter() - started)

    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(concurrency)))
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    cuts = statistics.quantiles(times, n=100)
    return {"per_s": calls / wall, "p50_ms": cuts[49] * 1e3, "p99_ms": cuts[98] * 1e3, "cpu_ms": cpu / calls * 1e3}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--server", choices=["echo", "legacy"], default="echo")
    options = parser.parse_args()
    script, tool = str(SERVERS / f"{options.server}.py"), {"echo": "echo", "legacy": "hello"}[options.server]
    print(f"{options.calls} calls to {options.server}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for concurrency in (1, options.concurrency):
        found = {}
        for name, client in (("sdk", sdk), ("ours", ours), ("sdk again", sdk), ("ours again", ours)):
            async with client(script, tool) as call:
                await measure(call, 50, concurrency)
                found[name] = await measure(call, options.calls, concurrency)
            row = "  ".join(f"{key} {value:8.2f}" for key, value in found[name].items())
            print(f"at once {concurrency:3d}  {name:11s} {row}")
        best = {name: max(found[name]["per_s"], found[f"{name} again"]["per_s"]) for name in ("sdk", "ours")}
        print(f"at once {concurrency:3d}  ours / sdk: {best['ours'] / best['sdk']:.2f} times the calls a second")


if __name__ == "__main__":
    asyncio.run(main())
