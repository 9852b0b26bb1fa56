"""How a server is launched: entries of configurations and published commands become transports."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import urlsplit

from mcp_registry.feeds.hide import Variables, hide_secrets
from mcp_registry.feeds.placeholder import OF_THE_SYSTEM, Blanks
from mcp_registry.offer import LaunchOption
from mcp_registry.server import Http, Stdio, Transport, references

_SHELLS = frozenset({"bash", "sh", "zsh", "fish", "powershell", "powershell.exe", "pwsh", "wsl", "wsl.exe", "cmd.exe"})
_OPERATORS = re.compile(r"[|&;<>`\n]|\$\(")
_INSTALLERS = {
    "pip": None,
    "pip3": None,
    "pipx": {"install"},
    "brew": None,
    "git": None,
    "curl": None,
    "make": None,
    "go": {"install", "build", "run"},
    "cargo": None,
    "npm": {"install", "i", "run", "start", "build"},
    "pnpm": {"install", "i", "run", "start", "build"},
    "yarn": {"install", "add", "start", "build"},
    "docker": {"build", "compose", "exec", "pull"},
    "docker-compose": None,
}
_RUNTIMES = frozenset(
    {"node", "python", "python3", "uv", "bun", "deno", "tsx", "ts-node", "ruby", "php", "java", "dotnet"}
)
_SCRIPT = re.compile(r"[\w@.][\w@./-]*\.(?:py|js|mjs|cjs|ts|rb|php|jar|dll|csproj)|\.{1,2}/\S*")
_PASSED = re.compile(r"\$\{([A-Za-z_]\w*)\}|(\w+)=.*\$\{.*")
_FOLDER_FLAGS = frozenset({"--directory", "--project", "-C", "--with-editable"})


class NoTransport(ValueError):
    """An entry does not say how its server is reached; the message says why."""


def read_entry(entry: Mapping[str, Any]) -> Transport:
    """The transport of one entry, in any of the spellings that clients use.

    Raises:
        NoTransport: there is no command and no URL, or a part of it has the wrong type.
    """
    command, args = _command(entry)
    url = next((entry[key] for key in ("url", "serverUrl", "httpUrl") if entry.get(key)), None)
    kind = _kind(entry, url)
    if kind == "stdio" or (command and kind is None):
        if not command:
            raise NoTransport("it has no command")
        return Stdio(command=command, args=args, env=_texts(entry, "env", "environment"), cwd=_optional(entry, "cwd"))
    if not isinstance(url, str):
        raise NoTransport("it has no command and no URL" if url is None else "its URL must be a text")
    if urlsplit(url.strip()).scheme not in {"http", "https"} and not url.startswith("${"):
        raise NoTransport("its URL does not start with http:// or https://")
    sse = kind == "sse" or (kind is None and urlsplit(url).path.rstrip("/").endswith("/sse"))
    return Http(
        url=url.strip(), headers=_texts(entry, "headers", "http_headers"), kind="sse" if sse else "streamable-http"
    )


def split_command(line: str) -> Stdio:
    """A published command line as argv; `KEY={KEY}` before the command becomes `env`.

    Raises:
        NoTransport: it needs a shell, or is not a command line.
    """
    if _OPERATORS.search(re.sub(r"<[\w -]+>", "", line)):
        raise NoTransport("it needs a shell")
    words = _split(line)
    env: dict[str, str] = {}
    while words and (assigned := re.fullmatch(r"(\w+)=(.*)", words[0], re.DOTALL)):
        env[assigned[1]] = assigned[2]
        words.pop(0)
    if len(words) < 2:
        raise NoTransport("it is not a command line")
    return Stdio(command=words[0], args=tuple(words[1:]), env=env)


def offered(transport: Transport, *, blanks: Blanks, label: str | None = None) -> LaunchOption:
    """A published transport as a launch option: blanks and literal secrets become references.

    Without a label it is called after its command.

    Raises:
        NoTransport: it could not be started as it stands: it installs or builds, or runs from a checkout.
    """
    match transport:
        case Stdio() as stdio:
            filled: Transport = _fill(_for_pipes(stdio), blanks)
        case Http(url=url, headers=headers):
            filled = replace(
                transport, url=blanks.text(url), headers={key: blanks.value(key, text) for key, text in headers.items()}
            )
    hidden = hide_secrets(filled, server=blanks.server, variables=Variables())
    known = {name: f"a secret ({where})" for name, where in hidden.variables.items()} | blanks.needs
    needs = {name: known[name] for name in references(hidden.transport) if name in known}
    return LaunchOption(label=label or _label(hidden.transport), transport=hidden.transport, needs=needs)


def _label(transport: Transport) -> str:
    if isinstance(transport, Http):
        return "remote"
    name = re.split(r"[\\/]", transport.command)[-1]
    return name if re.fullmatch(r"[\w.@-]+", name) else "command"


def _fill(stdio: Stdio, blanks: Blanks) -> Stdio:
    filled = Stdio(
        command=blanks.text(stdio.command),
        args=tuple(blanks.text(arg) for arg in stdio.args),
        env={key: blanks.value(key, text) for key, text in stdio.env.items() if key not in OF_THE_SYSTEM},
        cwd=blanks.text(stdio.cwd) if stdio.cwd else None,
    )
    if reason := _unusable(filled):
        raise NoTransport(reason)
    return filled


def _unusable(stdio: Stdio) -> str | None:
    """Why a command that somebody published would not start a server on this machine."""
    command = stdio.command.rsplit("/", 1)[-1].rsplit("\\", 1)[-1]
    words = [word for word in stdio.args if not word.startswith("-")]
    actions = _INSTALLERS.get(command, set[str]())
    if actions is None or (words and words[0] in actions) or words[1:2] in (["install"], ["init"]):
        return "it installs or builds, and starts no server"
    if command in _SHELLS or any("$(" in word for word in stdio.args):
        return "it needs a shell"
    if stdio.command.startswith("."):
        return "it runs from a checkout of its repository"
    own_folder = stdio.cwd or _FOLDER_FLAGS.intersection(stdio.args)
    fetched = {"--from", "--with", "-m"}.intersection(stdio.args)
    if command in _RUNTIMES and not own_folder and not fetched and any(_SCRIPT.fullmatch(word) for word in words):
        return "it runs from a checkout of its repository"
    return None


def _for_pipes(stdio: Stdio) -> Stdio:
    """The same command for a child without a terminal: no `cmd /c`, no `docker run -t`, no secret among the words."""
    if stdio.command in {"cmd", "cmd.exe"} and stdio.args[:1] in {("/c",), ("/C",)} and len(stdio.args) > 1:
        stdio = replace(stdio, command=stdio.args[1], args=stdio.args[2:])
    if stdio.command != "docker":
        return stdio
    args = ["-i" if arg in {"-it", "-ti"} else arg for arg in stdio.args]
    env = dict(stdio.env)
    for position, arg in enumerate(args[1:], start=1):
        if args[position - 1] in {"-e", "--env"} and (named := _PASSED.fullmatch(arg)):
            args[position] = named[1] or named[2]
            # On the command line everybody on the machine could read it.
            env.setdefault(args[position], arg.partition("=")[2] or arg)
    return replace(stdio, args=tuple(args), env=env)


def _command(entry: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    command: Any = entry.get("command")
    args: Any = entry.get("args")
    if isinstance(command, Mapping):
        command, args = command.get("path"), command.get("args")
    if isinstance(command, list):
        command, args = (command[0] if command else None), [*command[1:], *(args or [])]
    if command is None or command == "":
        return "", ()
    if not isinstance(command, str):
        raise NoTransport("its command must be a text or a list of texts")
    if isinstance(args, str):
        args = _split(args)
    if not isinstance(args, list | tuple | None):
        raise NoTransport("its args must be a list of texts")
    words = tuple(_scalar(arg, "args") for arg in args or ())
    # Some clients take a whole line as the command; a path may have spaces.
    if " " in command.strip() and not re.match(r"[/~.$]|[A-Za-z]:", command.strip()):
        first, *rest = _split(command)
        return first, (*rest, *words)
    return command.strip(), words


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise NoTransport(f"it is not a command line: {error}") from None


def _kind(entry: Mapping[str, Any], url: object) -> Literal["stdio", "http", "sse"] | None:
    said = entry.get("type") or entry.get("transport")
    if isinstance(said, Mapping):
        said = said.get("type")
    if not isinstance(said, str | None):
        raise NoTransport("its type must be a text")
    match (said or "").lower().replace("_", "-"):
        case "":
            return "http" if url is not None and url == entry.get("httpUrl") else None
        case "stdio" | "local":
            return "stdio"
        case "sse":
            return "sse"
        case "http" | "streamable-http" | "streamablehttp" | "http-stream":
            return "http"
        case "remote" | "custom" | "extension" | "mcp":
            return None
        case other:
            raise NoTransport(f"its transport {other[:40]!r} is not known; known are stdio, http and sse")


def _texts(entry: Mapping[str, Any], *keys: str) -> dict[str, str]:
    for key in keys:
        found: Any = entry.get(key)
        if not found:
            continue
        if not isinstance(found, Mapping):
            raise NoTransport(f"its {key} must be an object of texts")
        return {str(name): _scalar(value, key) for name, value in found.items() if value is not None}
    return {}


def _optional(entry: Mapping[str, Any], key: str) -> str | None:
    value = entry.get(key)
    if value is not None and not isinstance(value, str):
        raise NoTransport(f"its {key} must be a text")
    return value or None


def _scalar(value: object, key: str) -> str:
    match value:
        case str():
            return value
        case bool() | int() | float():
            return json.dumps(value)
        case _:
            raise NoTransport(f"its {key} must hold texts")
