"""`Calling`: the way of one call: policy, catalogue, arguments, the server, its answer. All that fails is a result."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mcp_registry.arguments import ArgumentCheck, WrongArguments
from mcp_registry.errors import ProtocolFailure, RegistryError, Unreachable
from mcp_registry.policy import Decision
from mcp_registry.record import ServerRecord
from mcp_registry.result import ToolResult, rough_size
from mcp_registry.sessions import Sessions
from mcp_registry.settings import Settings
from retrieval.tool import ToolId, ToolSpec, canonical_json

_MAX_CHECKS = 10_000


class Directory(Protocol):
    """What a call looks up; a registry is one."""

    settings: Settings
    sessions: Sessions

    async def tools(self, ids: Sequence[ToolId]) -> dict[ToolId, ToolSpec]:
        """The definitions of those ids that exist and may be seen."""
        ...

    async def nearest(self, tool_id: ToolId) -> list[ToolId]:
        """Ids like this one that may be seen."""
        ...

    async def server(self, name: str) -> ServerRecord | None:
        """What is known of a server."""
        ...

    def decide(self, tool: ToolSpec) -> Decision:
        """What the policy says about calling it."""
        ...


class Calling:
    """Makes calls; keeps the compiled checks of arguments by fingerprint."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._checks: dict[str, ArgumentCheck] = {}

    async def call(
        self,
        tool_id: ToolId,
        arguments: object,
        *,
        timeout_s: float | None,
        meta: Mapping[str, Any] | None,
        approved: bool,
    ) -> ToolResult:
        """The server's answer, unchanged, or an error of ours; `unknown` where the call was sent and none came."""
        tool = (await self._directory.tools([tool_id])).get(tool_id)
        if tool is None:
            return ToolResult.error(unknown_tool(tool_id, await self._directory.nearest(tool_id)))
        record = await self._directory.server(tool.server)
        if record is None or record.spec is None:
            return ToolResult.error(
                f"tool {tool_id!r} cannot be called: only its definition was imported, there is no server behind it"
            )
        match self._directory.decide(tool):
            case Decision.DENY:
                return ToolResult.error(unknown_tool(tool_id, await self._directory.nearest(tool_id)))
            case Decision.ASK if not approved:
                return ToolResult.error(needs_approval(tool_id))
            case _:
                pass
        try:
            fitting = self._check(tool).fit(arguments)
        except WrongArguments as error:
            return ToolResult.error(f"wrong arguments for {tool_id!r}:\n{error}")
        try:
            result = await self._directory.sessions.call_tool(
                record.spec, tool.name, fitting, timeout_s=timeout_s, meta=dict(meta) if meta else None
            )
        except ProtocolFailure as error:
            return ToolResult.error(f"server {tool.server!r} refused the call (JSON-RPC {error.code}): {error}")
        except Unreachable as error:
            if not error.unknown:
                return ToolResult.error(str(error))
            return ToolResult.error(f"{error}. It may still have run: check before you call it again.", unknown=True)
        except RegistryError as error:
            return ToolResult.error(str(error))
        return self._relayed(tool_id, result)

    def _check(self, tool: ToolSpec) -> ArgumentCheck:
        check = self._checks.get(tool.fingerprint)
        if check is None:
            if len(self._checks) > _MAX_CHECKS:
                self._checks.clear()
            check = self._checks[tool.fingerprint] = ArgumentCheck(tool.input_schema)
        return check

    def _relayed(self, tool_id: ToolId, result: ToolResult) -> ToolResult:
        if result.raw.get("resultType") == "input_required":
            return ToolResult.error(f"tool {tool_id!r} asks its user for input, which is not relayed yet")
        cap = self._directory.settings.gateway.max_result_bytes
        # Only a result that could be too large is measured: serialising every one would cost each call.
        if (
            rough_size(result.raw, cap) <= cap
            or len(canonical_json(result.raw).encode("utf-8", "surrogatepass")) <= cap
        ):
            return result
        return ToolResult.error(
            f"tool {tool_id!r} ran, but its result is larger than the {cap} bytes allowed: ask for less, or raise "
            "gateway.max_result_bytes"
        )


def unknown_tool(tool_id: ToolId, nearest: Sequence[ToolId]) -> str:
    """What to tell a model that named a tool which is not there."""
    hint = f"nearest: {', '.join(map(repr, nearest))}" if nearest else "search_tools finds the ones there are"
    return f"tool {tool_id!r} is not in the catalogue; {hint}"


def needs_approval(tool_id: ToolId) -> str:
    """What to tell a model whose call a person must approve, where no person can be asked."""
    return (
        f"tool {tool_id!r} was not called: a person must approve it first (policy.ask), and nobody can be asked here. "
        f"Tell your user; with their approval it can be called as: quartermaster call {tool_id} ARGUMENTS --yes"
    )
