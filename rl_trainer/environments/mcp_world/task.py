"""`McpTask`: what the environment of MCP servers reads from a task's `data`: servers, state, and the right actions."""

from typing import Any, Literal

import msgspec

from mcp_registry.errors import RegistryError
from mcp_registry.server import Limits, ServerSpec, Stdio
from retrieval.tool import canonical_json
from rl_trainer.errors import TaskInvalid
from rl_trainer.task import Task

NAME = "mcp"
"""`Task.environment` of such tasks."""

WORLD = "WORLD"
"""`${WORLD}` in a server's arguments, variables or folder is the world's own folder."""


class Server(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A server that is started over stdio, anew for each world, in the world's folder. It is not fenced off."""

    command: str
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    open_s: float = 60.0
    call_s: float = 60.0


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One call of a tool, by its id (`server/name`)."""

    tool: str
    arguments: dict[str, Any] = {}


class State(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where the state is read. files: patterns of the folder's files; JSON is compared value by value, other text line
    by line. ignored: keys of JSON files that are left out, at their top. probes: calls that only read.
    """

    files: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    probes: tuple[Call, ...] = ()


class McpTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A goal in a world of MCP servers. files: what lies in the world's folder at the start.

    setup: calls that are made before the agent's. gold: calls that lead to the right state. withheld: tools that the
    agent is not shown; withheld_arguments: properties that are taken out of every tool's schema. ends_with: tools whose
    success ends the run. fork: how a world is copied: its calls replayed on a fresh server, or its folder copied, for
    servers that keep all of their state there.
    """

    servers: dict[str, Server]
    state: State
    gold: tuple[Call, ...]
    setup: tuple[Call, ...] = ()
    files: dict[str, str] = {}
    withheld: tuple[str, ...] = ()
    withheld_arguments: tuple[str, ...] = ()
    ends_with: tuple[str, ...] = ()
    fork: Literal["replay", "copy"] = "replay"

    @property
    def specs(self) -> list[ServerSpec]:
        """How the servers are started; the folder is a reference still."""
        return [
            ServerSpec(
                name=name,
                transport=Stdio(command=each.command, args=each.args, env=each.env, cwd=f"${{{WORLD}}}"),
                limits=Limits(open_s=each.open_s, call_s=each.call_s),
            )
            for name, each in sorted(self.servers.items())
        ]

    @property
    def servers_key(self) -> str:
        """Equal for tasks with the same servers."""
        return canonical_json(msgspec.to_builtins(self.servers))


def mcp_task(task: Task) -> McpTask:
    """What the environment needs of a task, checked.

    Raises:
        TaskInvalid: a field is missing, of a wrong type, or says what cannot be.
    """
    if task.environment != NAME:
        raise TaskInvalid(f"task {task.id!r} is for environment {task.environment!r}, not {NAME!r}")
    try:
        found = msgspec.convert(task.data, McpTask)
        named = {spec.name for spec in found.specs}
    except (msgspec.ValidationError, RegistryError) as error:
        raise TaskInvalid(f"task {task.id!r}: its data are no MCP task: {error}") from error
    if not (found.state.files or found.state.probes):
        raise TaskInvalid(f"task {task.id!r} names neither files nor probes as its state: nothing could be graded")
    if found.state.ignored and not found.state.files:
        raise TaskInvalid(f"task {task.id!r}: state.ignored are keys of files, and it names no files")
    for call in (*found.setup, *found.gold, *found.state.probes):
        if call.tool.partition("/")[0] not in named:
            raise TaskInvalid(f"task {task.id!r}: no server of its own has tool {call.tool!r} (write server/name)")
    for path in found.files:
        if path.startswith("/") or ".." in path.split("/") or not path:
            raise TaskInvalid(f"task {task.id!r}: path {path!r} is not relative to the world's folder")
    return found
