"""`ServerSpec`: how one MCP server is reached. Secrets stay references until it is opened."""

import os
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from mcp_registry.errors import BadServer, MissingSecret

_NAME = re.compile(r"[^\s/\x00-\x1f\x7f]{1,200}")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stdio:
    """A server that we start as a child process: argv only, never a shell."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    cwd: str | None = None

    @property
    def argv(self) -> tuple[str, ...]:
        return (self.command, *self.args)


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """A server that is reached by URL: streamable HTTP, or the older SSE transport."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    kind: Literal["streamable-http", "sse"] = "streamable-http"


Transport = Stdio | Http


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Deadlines in seconds and sizes in bytes for one server."""

    open_s: float = 60.0
    """Start, negotiation and the first answer."""
    call_s: float = 60.0
    """One tool call, unless the caller gives less."""
    list_s: float = 30.0
    """One page of a listing."""
    idle_s: float = 300.0
    """A connection that nobody used for so long is closed."""
    max_message_bytes: int = 16 * 1024 * 1024
    """A longer message from the server ends the connection, with that as the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSpec:
    """One server by name. `env`, `headers`, arguments and URL may hold `${NAME}` references, never secrets.

    Example:
        ServerSpec(name="git", transport=Stdio(command="uvx", args=("mcp-server-git", "--repository", ".")))
    """

    name: str
    transport: Transport
    limits: Limits = Limits()
    read_only: bool = False
    """The operator's word that every tool of this server only reads."""
    tags: tuple[str, ...] = ()
    """The operator's words for what it is about, for filters."""

    def __post_init__(self) -> None:
        check_server_name(self.name)
        match self.transport:
            case Stdio(command=command) if not command or "\x00" in command:
                raise BadServer(f"server {self.name!r} has no command to start")
            case Http(url=url) if urlsplit(url).scheme not in {"http", "https"} and not url.startswith("${"):
                raise BadServer(f"server {self.name!r}: {url!r} is not an http:// or https:// URL")
            case _:
                pass


def check_server_name(name: str) -> None:
    """Raises:
    BadServer: the name is empty, too long, or has a `/`, a space or a control character.
    """
    if not _NAME.fullmatch(name):
        raise BadServer(
            f"{name!r} cannot be a server's name: use 1 to 200 characters without '/', spaces or control characters"
        )


def as_server_name(text: str) -> str:
    """The nearest allowed server name to any text; what separates words becomes `-`.

    Example:
        "HitmanLy007/notion api" -> "HitmanLy007-notion-api"
    """
    return re.sub(r"[\s/\x00-\x1f\x7f]+", "-", text.strip()).strip("-")[:200] or "unnamed"


def references(transport: Transport) -> list[str]:
    """The names of all `${NAME}` references in a transport, in order of appearance, each once."""
    return list(dict.fromkeys(match[1] for text in _texts(transport) for match in _REFERENCE.finditer(text)))


def resolve(spec: ServerSpec, environment: Mapping[str, str] | None = None) -> ServerSpec:
    """The same server with every `${NAME}` (or `${NAME:-default}`) replaced from the environment.

    Raises:
        MissingSecret: a reference has no value and no default; all of the missing ones are named.
    """
    values = os.environ if environment is None else environment
    missing = [
        match[1]
        for text in _texts(spec.transport)
        for match in _REFERENCE.finditer(text)
        if match[1] not in values and match[2] is None
    ]
    if missing:
        names = ", ".join(f"${{{name}}}" for name in dict.fromkeys(missing))
        raise MissingSecret(
            f"server {spec.name!r} needs {names}, which the environment does not have: "
            f"set it (export {missing[0]}=...) and sync again"
        )

    def fill(text: str) -> str:
        return _REFERENCE.sub(lambda match: values.get(match[1], match[2] or ""), text)

    match spec.transport:
        case Stdio() as stdio:
            filled: Transport = replace(
                stdio,
                command=fill(stdio.command),
                args=tuple(fill(arg) for arg in stdio.args),
                env=_filled(stdio.env, fill),
                cwd=fill(stdio.cwd) if stdio.cwd else None,
            )
        case Http() as http:
            filled = replace(http, url=fill(http.url), headers=_filled(http.headers, fill))
    return replace(spec, transport=filled)


def _filled(entries: Mapping[str, str], fill: Callable[[str], str]) -> dict[str, str]:
    """The entries with their references filled; an optional one (`${NAME:-}`) that came out empty is left out.

    A server that is given an empty setting may take it for one; not given, it takes its own default.
    """
    filled = {key: fill(value) for key, value in entries.items()}
    return {key: value for key, value in filled.items() if value or not entries[key]}


def transport_to_json(transport: Transport) -> dict[str, Any]:
    """The `mcpServers` form of a transport: `command`, `args`, `env`, `cwd` or `url`, `headers`, `type`."""
    match transport:
        case Stdio(command=command, args=args, env=env, cwd=cwd):
            entry: dict[str, Any] = {"command": command, "args": list(args)}
            if env:
                entry["env"] = dict(env)
            if cwd:
                entry["cwd"] = cwd
        case Http(url=url, headers=headers, kind=kind):
            entry = {"type": kind, "url": url}
            if headers:
                entry["headers"] = dict(headers)
    return entry


def transport_from_json(entry: Mapping[str, Any]) -> Transport:
    """The inverse of `transport_to_json`; the form is ours, so it is trusted."""
    if "url" in entry:
        kind: Literal["streamable-http", "sse"] = "sse" if entry.get("type") == "sse" else "streamable-http"
        return Http(url=entry["url"], headers=dict(entry.get("headers", {})), kind=kind)
    return Stdio(
        command=entry["command"],
        args=tuple(entry.get("args", ())),
        env=dict(entry.get("env", {})),
        cwd=entry.get("cwd"),
    )


def command_line(transport: Transport) -> str:
    """What would be started, or reached, exactly, on one line; references are shown, not their values."""
    match transport:
        case Stdio(env=env) as stdio:
            return " ".join([*(f"{key}={shlex.quote(value)}" for key, value in env.items()), shlex.join(stdio.argv)])
        case Http(url=url):
            return url


def _texts(transport: Transport) -> Iterable[str]:
    match transport:
        case Stdio(env=env, cwd=cwd) as stdio:
            return [*stdio.argv, *env.values(), *([cwd] if cwd else [])]
        case Http(url=url, headers=headers):
            return [url, *headers.values()]
