"""The validation step of a search (RAG-MCP, section 3.3): which candidates may be probed, and what a probe has shown.

Pure: `probing` sends the synthetic queries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mcp_registry.result import ToolResult
from mcp_registry.server import ServerSpec
from mcp_registry.synthetic_query import fits
from retrieval.hit import Hit
from retrieval.tool import ToolSpec


class Outcome(StrEnum):
    """What a probe has shown."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What validation says of one candidate. `arguments` are those of the synthetic query, where one was sent."""

    outcome: Outcome
    reason: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A tool that was found, and its verdict."""

    hit: Hit
    tool: ToolSpec
    verdict: Verdict


def why_not_probed(tool: ToolSpec, spec: ServerSpec | None) -> str | None:
    """Why a tool must not be called unasked; None when it may: it only reads, by its own word or the operator's.

    A tool that calls itself destructive is never probed, whatever else is said of it.
    """
    hints = tool.annotations or {}
    if spec is None:
        return "there is no server behind it"
    if hints.get("destructiveHint") is True:
        return "it says that it may destroy something"
    if spec.read_only or tool.read_only:
        return None
    return "nobody says that it only reads"


def judge(tool: ToolSpec, result: ToolResult, *, seconds: float, timeout_s: float) -> Verdict:
    """The verdict on an answer: it must come in time, be no error, say something, and fit the output schema."""
    problem = _problem(tool, result)
    if problem and result.is_error and seconds >= timeout_s:
        problem = f"no answer within {timeout_s:g} s"
    return Verdict(outcome=Outcome.FAILED if problem else Outcome.PASSED, reason=problem)


def _problem(tool: ToolSpec, result: ToolResult) -> str:
    # The server's own words stay out: verdicts are kept, and an answer may hold what nobody else may read.
    if result.is_error:
        return "its call ended in an error"
    structured = result.raw.get("structuredContent")
    if tool.output_schema is not None:
        if structured is None:
            return "it publishes an output schema, and answered without structured content"
        if isinstance(structured, Mapping) and not fits(tool.output_schema, structured):
            return "its answer does not fit its output schema"
    return "" if structured is not None or _says_something(result) else "its answer is empty"


def _says_something(result: ToolResult) -> bool:
    content = result.raw.get("content")
    parts = content if isinstance(content, list) else []
    return any(str(part.get("text", "something")).strip() for part in parts if isinstance(part, Mapping))


def demote(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates in their order, those that failed behind all others. None is hidden."""
    return sorted(candidates, key=lambda candidate: candidate.verdict.outcome is Outcome.FAILED)
