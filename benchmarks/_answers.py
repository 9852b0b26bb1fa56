"""Answers to sample calls: from the servers themselves, from the gateway, and whether the two agree."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _installs import Listed
from mcp import Client, MCPError, StdioServerParameters, stdio_client

_OPEN_S = 60.0
_CALL_S = 120.0
_SIDE_BY_SIDE = 3

Answers = dict[str, list[Any]]
"""By server, one for each of its sample calls: the result as JSON, or a text that says why there is none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one call was answered as it should be; what is wrong if it was not, or what else there is to say."""

    good: bool
    remark: str = ""


async def ask_directly(servers: Sequence[Listed], programs: Mapping[str, Path], log: Path) -> Answers:
    """Every server's own answers: a client of the MCP SDK for each, connected without a gateway."""
    places = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(server: Listed) -> tuple[str, list[Any]]:
        parameters = StdioServerParameters(
            command=str(programs[server.name]), args=list(server.args), env=dict(server.env)
        )
        async with places:
            return server.name, await _session(parameters, server.calls, log)

    return dict(await asyncio.gather(*(one(server) for server in servers)))


async def ask_gateway(servers: Sequence[Listed], target: str | StdioServerParameters, log: Path) -> Answers:
    """The gateway's answers, one client for all calls, one call after the other."""
    calls = [
        ("call_tool", {"tool_id": f"{server.name}/{tool}", "arguments": arguments})
        for server in servers
        for tool, arguments in server.calls
    ]
    results = iter(await _session(target, calls, log))
    return {server.name: [next(results) for _ in server.calls] for server in servers}


async def _session(
    target: str | StdioServerParameters, calls: Sequence[tuple[str, dict[str, Any]]], log: Path
) -> list[Any]:
    try:
        async with asyncio.timeout(_OPEN_S + _CALL_S * max(1, len(calls))):
            with log.open("a", encoding="utf-8") as errors:
                reached = stdio_client(target, errlog=errors) if isinstance(target, StdioServerParameters) else target
                async with Client(reached, read_timeout_seconds=_CALL_S) as client:
                    return [await _answer(client, name, arguments) for name, arguments in calls]
    except Exception as error:  # noqa: BLE001 - one server that cannot be had must not end the run
        return [f"cannot be opened: {_first(error)}"] * len(calls)


async def _answer(client: Client, name: str, arguments: dict[str, Any]) -> Any:
    try:
        result = await client.call_tool(name, arguments)
    except (MCPError, RuntimeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    answer = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    # Since 2026-07-28 each hop signs its answers with its own name.
    answer.get("_meta", {}).pop("io.modelcontextprotocol/serverInfo", None)
    return {key: value for key, value in answer.items() if key != "_meta" or value}


def judge(server: Listed, answers: Mapping[str, Answers], way: str) -> list[Verdict]:
    """One verdict a sample call: the gateway's answer against the direct ones."""
    triples = zip(*(answers[name][server.name] for name in ("direct 1", "direct 2", way)), strict=True)
    return [
        _verdict(tool, once, again, given)
        for (tool, _), (once, again, given) in zip(server.calls, triples, strict=True)
    ]


def _verdict(tool: str, once: Any, again: Any, given: Any) -> Verdict:
    if isinstance(given, str):
        return Verdict(False, f"{tool} is not answered: {given}")
    if isinstance(once, str) or isinstance(again, str):
        return Verdict(False, f"{tool} cannot be compared: asked directly, {once if isinstance(once, str) else again}")
    if given == once or (once != again and _form(given) == _form(once)):
        return Verdict(True)
    if given.get("isError") and once.get("isError"):
        return Verdict(True, f"{tool} is refused in other words: {_text(given)}; directly: {_text(once)}")
    return Verdict(False, f"{tool} answers {_text(given)}; directly: {_text(once)}")


def _text(result: dict[str, Any]) -> str:
    """What a result says, short enough for a remark."""
    parts = [part.get("text", f"[{part['type']}]") for part in result.get("content", [])]
    kind = "the error " if result.get("isError") else ""
    return kind + repr(" ".join(" ".join(parts).split())[:200])


def _form(result: dict[str, Any]) -> Any:
    parts = [part["type"] for part in result.get("content", [])]
    return result.get("isError", False), parts, sorted(result.get("structuredContent") or ())


def _first(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
