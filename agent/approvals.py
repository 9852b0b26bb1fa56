"""`needed`: whether a call may be made, must be approved first, or not at all. Pure; asked right before every call."""

from dataclasses import dataclass

from agent import taint
from agent.call import Call, action_hash
from agent.ledger import CallState
from agent.state import RunState
from mcp_registry.annotations import Annotation, tool_annotations
from mcp_registry.policy import Decision
from retrieval.tool import ToolSpec


@dataclass(frozen=True, slots=True)
class Denied:
    """The call must not be made, whoever approves it."""

    reason: str


def needed(
    call: Call, tool: ToolSpec, state: RunState, decision: Decision, *, read_only: bool = False
) -> tuple[str, ...] | Denied:
    """Why a person must approve this call before it is made; empty when it may be made now.

    decision: what the operator's policy says; deny always holds. By `Options.approve`, a person is asked for what may
    change something, for what the policy asks about and for taint (`ask`); not for the first (`untainted`); for
    nothing (`all`). An approval holds for this tool as published with these arguments: another definition or other
    arguments make another hash, and it is asked for again.

    read_only: the operator's word that the tool's server only reads.
    """
    if decision is Decision.DENY:
        return Denied(f"the policy does not allow {call.tool_id!r} to be called")
    approve = state.options.approve
    if approve == "all":
        return ()
    found: list[str] = []
    if decision is Decision.ASK:
        found.append("the policy wants a person to approve it")
    if approve == "ask" and taint.writes(tool, read_only=read_only):
        found.append(_what_it_does(tool))
    found += taint.reasons(call, tool, state, read_only=read_only)
    return tuple(found) if found and not _is_approved(call, tool, state) else ()


def _what_it_does(tool: ToolSpec) -> str:
    destroys = Annotation.DESTRUCTIVE in tool_annotations(tool)
    return "it may change or destroy something" if destroys else "it may change something"


def _is_approved(call: Call, tool: ToolSpec, state: RunState) -> bool:
    hash_ = action_hash(tool.fingerprint, call.arguments)
    row = state.ledger.rows.get(call.id)
    if row is not None and row.approved == hash_:
        return True
    return _is_approved_with_plan(call, hash_, state)


def _is_approved_with_plan(call: Call, hash_: str, state: RunState) -> bool:
    """Whether a person approved a plan with this call in it, and it was not made as often already.

    It holds for steps of the plan tree only: what the model decides beside the plan, nobody has seen.
    """
    if state.plan is None or not call.node:
        return False
    return _made_before(call, state) < state.plan.approved.count(hash_)


def _made_before(call: Call, state: RunState) -> int:
    """How often the same call was decided on before this one, and not refused or failed."""
    return len(taint.equal_calls(call, state.ledger, but_in=(CallState.REFUSED, CallState.FAILED)))
