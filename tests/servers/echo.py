"""A good server: both protocol eras, over stdio, or over streamable HTTP on the port given by `--http PORT`.

Tools: echo(text), add(a, b), fail() is an error result, sleep(seconds), big(size) answers so many characters,
progress(steps) reports each step, pid() tells the process, crash() ends it in the middle of the call.
`--delay SECONDS` starts late.
"""

import argparse
import os
import signal
import time

import anyio
from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("echo", version="1.0", instructions="Say something.", log_level="ERROR")


@server.tool()
def echo(text: str) -> str:
    """Repeat a text."""
    return text


@server.tool()
def add(a: int, b: int) -> int:
    """Add two whole numbers."""
    return a + b


@server.tool()
def fail() -> str:
    """Always fail, with an error result."""
    raise ValueError("this tool always fails")


@server.tool()
async def sleep(seconds: float) -> str:
    """Answer after a while."""
    await anyio.sleep(seconds)
    return f"slept {seconds:g} s"


@server.tool(structured_output=False)
def big(size: int) -> str:
    """Answer with a text of so many characters."""
    return "x" * size


@server.tool()
async def progress(steps: int, ctx: Context) -> str:
    """Report every step."""
    for step in range(1, steps + 1):
        await ctx.report_progress(step, steps, f"step {step}")
    return "done"


@server.tool()
def pid() -> int:
    """Tell the process id."""
    return os.getpid()


@server.tool()
def crash() -> str:
    """End the process in the middle of the call."""
    os.kill(os.getpid(), signal.SIGKILL)
    return "never said"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--http", type=int, metavar="PORT")
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args()
    time.sleep(options.delay)
    if options.http is None:
        server.run("stdio")
    else:
        server.run("streamable-http", host="127.0.0.1", port=options.http)


if __name__ == "__main__":
    main()
