"""`Toolbox`: the tools that a run may use. A registry is one, and so is any environment of a trainer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mcp_registry.policy import Decision
from mcp_registry.result import ToolResult
from retrieval.tool import ToolId, ToolSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The operator's word on a tool.

    decision: what the policy says about calling it. only_reads: its server is marked as one that changes nothing.
    trusted: what its server says is vouched for (`policy.trusted`).
    """

    decision: Decision = Decision.ALLOW
    only_reads: bool = False
    trusted: bool = False


class Toolbox(Protocol):
    """Finds, describes and calls tools. What a model can mend is a result with `is_error`, never an exception."""

    async def search(self, queries: Sequence[str], k: int) -> list[ToolSpec]:
        """The k best callable tools for the queries together, best first."""
        ...

    async def tools(self, ids: Sequence[ToolId] | None = None) -> dict[ToolId, ToolSpec]:
        """The definitions of those ids that exist and may be seen; of every callable tool when none are named."""
        ...

    async def call(
        self, tool: ToolSpec, arguments: Mapping[str, Any], *, key: str, timeout_s: float | None
    ) -> ToolResult:
        """The tool's answer. `key` is the same for every attempt at one call: servers may use it to run it once.

        `ToolResult.unknown` says that nobody knows whether it ran (a deadline passed, a connection broke).
        """
        ...

    def standing(self, tool: ToolSpec) -> Standing:
        """What the operator has said about it."""
        ...
