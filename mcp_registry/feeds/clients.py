"""The configuration files of MCP clients: every server in them that is not disabled becomes a `ServerSpec`.

Known keys: `mcpServers` (Claude Desktop, Claude Code with its `projects`, Cursor, Windsurf, Gemini CLI and others),
`servers` and `mcp.servers` (VS Code), `context_servers` (Zed), `amp.mcpServers` (Amp), `mcp` (OpenCode), and
`mcp_servers` (Codex, TOML).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mcp_registry.feeds.basket import Basket
from mcp_registry.feeds.launch import NoTransport, read_entry
from mcp_registry.feeds.name import words
from mcp_registry.feeds.text import Document
from mcp_registry.feeds.variable import Setting, fill_variables
from mcp_registry.server import Http, Limits, Stdio, Transport

_ENTRY_KEYS = words("command url serverUrl httpUrl type transport source settings args")
_KEYS = ("mcpServers", "servers", "context_servers", "amp.mcpServers", "mcp_servers", "mcp")
_LONGEST_CALL_S = 3600.0


def sections(document: Document) -> dict[str, Mapping[str, Any]]:
    """The parts of a configuration that list servers, by where they stand; empty when there is none.

    Example:
        {"mcp": {"servers": {"git": {"command": "uvx"}}}} -> {"mcp.servers": {"git": {"command": "uvx"}}}
    """
    value = document.value
    if not isinstance(value, dict):
        return {}
    found = dict(_sections(value, ""))
    if not found and value and all(_is_entry(entry) for entry in value.values()):
        return {"entries": value}
    return found


def add_servers(document: Document, basket: Basket) -> None:
    """Add every server of a configuration."""
    for where, entries in sections(document).items():
        setting = Setting(file=document.path, inputs=_inputs(document.value, where))
        for name, entry in entries.items():
            _add_server(str(name), entry, setting, basket)
        for line in setting.notes:
            basket.note(line)


def _sections(value: Mapping[str, Any], where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key in _KEYS:
        found: Any = value.get(key)
        if not isinstance(found, dict):
            continue
        if _is_section(found, key):
            yield where + key, found
        elif key == "mcp":
            yield from _sections(found, f"{where}mcp.")
    projects: Any = value.get("projects")
    for path, project in projects.items() if isinstance(projects, dict) else ():
        if isinstance(project, dict):
            yield from _sections(project, f"projects.{path}.")


def _is_section(found: Mapping[str, Any], key: str) -> bool:
    """Keys that also mean other things must hold at least one entry."""
    if key not in {"servers", "mcp"}:
        return True
    return any(_is_entry(entry) for entry in found.values()) and not (
        key == "mcp" and {"servers", "mcpServers"}.intersection(found)
    )


def _is_entry(value: object) -> bool:
    return isinstance(value, dict) and bool(_ENTRY_KEYS.intersection(value))


def _inputs(value: Mapping[str, Any], where: str) -> dict[str, Mapping[str, Any]]:
    holder: Any = value.get("mcp") if where.startswith("mcp.") else value
    inputs: Any = holder.get("inputs") if isinstance(holder, dict) else None
    return {
        item["id"]: item
        for item in (inputs if isinstance(inputs, list) else ())
        if isinstance(item, dict) and isinstance(item.get("id"), str)
    }


def _add_server(name: str, entry: object, setting: Setting, basket: Basket) -> None:
    if not isinstance(entry, dict):
        basket.problem(f"server {name!r} is left out: its entry must be an object")
        return
    if entry.get("disabled") is True or entry.get("enabled") is False:
        basket.problem(f"server {name!r} is left out: it is disabled in the file")
        return
    try:
        transport = fill_variables(_codex(entry, read_entry(entry)), name, setting)
    except NoTransport as error:
        basket.problem(f"server {name!r} is left out: {error}")
        return
    if _is_own(transport):
        basket.problem(f"server {name!r} is left out: it is Quartermaster's own gateway, which must not start itself")
        return
    if entry.get("envFile"):
        basket.note(f"server {name!r}: its envFile is not read; export what it sets")
    basket.add_server(name, transport, _limits(name, entry, basket))


def _codex(entry: Mapping[str, Any], transport: Transport) -> Transport:
    """Codex names the variables that hold secrets instead of writing `${NAME}`."""
    match transport:
        case Stdio():
            passed: Any = entry.get("env_vars")
            names = [item for item in passed if isinstance(item, str)] if isinstance(passed, list) else []
            return replace(transport, env={**{name: f"${{{name}}}" for name in names}, **transport.env})
        case Http():
            headers = dict(transport.headers)
            from_environment: Any = entry.get("env_http_headers")
            if isinstance(from_environment, dict):
                headers |= {str(key): f"${{{name}}}" for key, name in from_environment.items()}
            if isinstance(bearer := entry.get("bearer_token_env_var"), str):
                headers["Authorization"] = f"Bearer ${{{bearer}}}"
            return replace(transport, headers=headers)


def _is_own(transport: Transport) -> bool:
    if not isinstance(transport, Stdio):
        return False
    program = re.split(r"[\\/]", transport.command)[-1].removesuffix(".exe")
    return "gateway" in transport.args and (program == "quartermaster" or "quartermaster" in transport.args)


def _limits(name: str, entry: Mapping[str, Any], basket: Basket) -> Limits:
    """`timeout` is in milliseconds, except where it is too small to be; Codex says seconds in its keys."""
    call_s, open_s = _number(entry, "tool_timeout_sec"), _number(entry, "startup_timeout_sec")
    timeout = _number(entry, "timeout")
    if timeout is not None and call_s is None:
        call_s = timeout / 1000 if timeout >= 1000 else timeout
    limits = Limits()
    if call_s is not None:
        if call_s > _LONGEST_CALL_S:
            basket.note(f"server {name!r}: its timeout of {call_s:g} s is cut to {_LONGEST_CALL_S:g} s")
        limits = replace(limits, call_s=min(call_s, _LONGEST_CALL_S))
    return replace(limits, open_s=min(open_s, _LONGEST_CALL_S)) if open_s is not None else limits


def _number(entry: Mapping[str, Any], key: str) -> float | None:
    value: Any = entry.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
