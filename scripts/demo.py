"""`make run`: real MCP servers behind one gateway, three requests in plain words, and a goal for the agent.

Everything lies in .sandbox (the servers and a small world for them) and .quartermaster (the state folder); running it
again makes only what is missing. What goes to standard error is progress, what goes to standard output is the show.
"""

import argparse
import asyncio
import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo_agent import pursue_goal
from demo_client import Gateway, open_gateway
from demo_sandbox import Sandbox, make_sandbox
from demo_servers import Installed, install_servers
from demo_show import Show
from demo_tasks import Task, tasks
from mcp import MCPError

_ROOT = Path(__file__).resolve().parent.parent
_DEFINITIONS = _ROOT / "tests" / "data" / "tools.jsonl.gz"
_COMMAND_S = 300.0
_TASKS = 3
_SHOWN = 3


class DemoFailed(Exception):
    """The show cannot go on; the message says what failed and what it said."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The `quartermaster` command of this environment, on one state folder."""

    home: Path

    @property
    def argv(self) -> list[str]:
        return [str(Path(sys.executable).parent / "quartermaster"), "--home", str(self.home)]

    def run(self, *arguments: str, aloud: bool = False, check: bool = True, why_not: bool = False) -> str:
        """What the command printed; `aloud` lets a long one show its own progress on standard error.

        With `why_not`: the reason why it failed, or nothing.

        Raises:
            DemoFailed: it could not be started, did not end in time, or (with `check`) reported an error.
        """
        shown = f"quartermaster {' '.join(_short(argument) for argument in arguments)}"
        errors = None if aloud else subprocess.PIPE
        try:
            done = subprocess.run(
                [*self.argv, *arguments],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                timeout=_COMMAND_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DemoFailed(f"{shown}: {error}") from None
        if why_not:
            return f"{shown} ended with {done.returncode}" if done.returncode else ""
        if check and done.returncode:
            raise DemoFailed(f"{shown} ended with {done.returncode}:\n{(done.stderr or done.stdout).strip()}")
        return done.stdout

    def servers(self) -> dict[str, dict[str, Any]]:
        """Every registered server by name, as `servers list --json` gives it."""
        return {entry["name"]: entry for entry in json.loads(self.run("servers", "list", "--json"))}


def main() -> int:
    options = _options()
    show = Show()
    try:
        sandbox = make_sandbox(options.sandbox)
        installed = install_servers(sandbox, say=show.progress)
        command_line = CommandLine(options.home)
        register(command_line, installed, sandbox, show)
        ready = sync(command_line, installed, show)
        asyncio.run(act(command_line, sandbox, ready, show))
        if options.agent:
            pursue_goal(command_line.run, show)
    except DemoFailed as error:
        show.failure(str(error))
        return 1
    show.farewell(command_line.argv)
    return 0


def register(command_line: CommandLine, installed: Installed, sandbox: Sandbox, show: Show) -> None:
    """`servers add` what was installed, and `servers import` the sample of definitions, unless they are there."""
    for name, reason in installed.missing.items():
        show.progress(f"going on without {name}: {reason}")
    stamp = sandbox.root / "registered.json"
    wanted = {
        "home": str(command_line.home),
        "servers": {name: list(argv) for name, argv in installed.commands.items()},
    }
    if _DEFINITIONS.exists():
        wanted["definitions"] = hashlib.sha256(_DEFINITIONS.read_bytes()).hexdigest()
    known = command_line.servers()
    if stamp.exists() and json.loads(stamp.read_text("utf-8")) == wanted and known.keys() >= installed.commands.keys():
        return
    for name, argv in installed.commands.items():
        show.progress(f"servers add {name} -- {' '.join(_short(argument) for argument in argv)}")
        command_line.run("servers", "add", name, "--replace", "--", *argv)
    if _DEFINITIONS.exists():
        show.progress(f"servers import {_short(str(_DEFINITIONS))}")
        command_line.run("servers", "import", str(_DEFINITIONS), aloud=True)
    stamp.write_text(json.dumps(wanted), "utf-8")


def sync(command_line: CommandLine, installed: Installed, show: Show) -> set[str]:
    """`servers sync`, and the names of the servers whose tools can be called now."""
    start = time.perf_counter()
    show.progress(f"servers sync {' '.join(installed.commands)}")
    command_line.run("servers", "sync", *installed.commands, aloud=True, check=False)
    servers = command_line.servers()
    ours = [servers[name] for name in installed.commands if name in servers]
    ready = {server["name"] for server in ours if server["status"] == "ready"}
    if not ready:
        raise DemoFailed("no server could be started")
    callable_tools = sum(server["tools"] for server in ours if server["name"] in ready)
    show.catalogue(
        servers=len(ready),
        callable_tools=callable_tools,
        tools=sum(server["tools"] for server in servers.values()),
        seconds=time.perf_counter() - start,
    )
    return ready


async def act(command_line: CommandLine, sandbox: Sandbox, ready: set[str], show: Show) -> None:
    """Be an MCP client of the gateway: search in plain words, call what was found.

    Raises:
        DemoFailed: the gateway does not open, or a task's tool is not found, or does not answer.
    """
    chosen = [task for task in tasks(sandbox) if task.needs in ready][:_TASKS]
    start = time.perf_counter()
    log = sandbox.root / "gateway.log"
    failure: BaseException | None = None
    try:
        async with open_gateway([*command_line.argv, "gateway"], log) as gateway:
            show.gateway(seconds=time.perf_counter() - start, tools=await gateway.tool_names())
            for number, task in enumerate(chosen, 1):
                await _do(gateway, task, show=show, number=number)
    except* DemoFailed as failures:
        failure = _first(failures)
    except* (MCPError, OSError, RuntimeError, TimeoutError) as failures:
        failure = DemoFailed(f"the gateway failed: {_first(failures)}\n{_tail(log)}")
    if failure:
        raise failure


async def _do(gateway: Gateway, task: Task, *, show: Show, number: int) -> None:
    """Take the first tool found that has a server behind it, or say that another one of those found was taken."""
    found, search_s = await gateway.search(task.words, k=10)
    show.request(number, task.words)
    show.found(found[:_SHOWN], seconds=search_s)
    fitting = [tool for tool in found if tool["tool_id"] in task.arguments]
    if not fitting:
        names = ", ".join(tool["tool_id"] for tool in found)
        raise DemoFailed(f"{task.words!r}: {' or '.join(task.arguments)} is not among the tools found ({names})")
    tool_id = fitting[0]["tool_id"]
    best = next(tool for tool in found if tool.get("callable", True))
    if fitting[0] is not best:
        show.not_first(tool_id, position=found.index(fitting[0]) + 1, first=best["tool_id"])
    answer, call_s = await gateway.call(tool_id, task.arguments[tool_id])
    if answer.is_error:
        raise DemoFailed(f"{tool_id} answered with an error: {answer.text}")
    show.answer(tool_id, task.arguments[tool_id], text=answer.text, seconds=call_s)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=_folder, default=_ROOT / ".quartermaster", help="the state folder")
    parser.add_argument("--no-agent", dest="agent", action="store_false", help="leave the agent and its model out")
    parser.add_argument("--sandbox", type=_folder, default=_ROOT / ".sandbox", help="where servers and their world go")
    return parser.parse_args()


def _environment() -> dict[str, str]:
    """Ours, without what would lead to the user's own catalogue or change how the show looks."""
    return {key: value for key, value in os.environ.items() if not key.startswith("QUARTERMASTER_")}


def _folder(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _short(argument: str) -> str:
    path = Path(argument)
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else argument


def _first(error: BaseException) -> BaseException:
    """The client's task groups wrap what went wrong within them."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-lines:]) if log.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
