"""The call of a planned step: its references filled in, its arguments checked again, its provenance noted."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from agent.call import Call, Outcome, Step
from agent.event import PlannedCall
from agent.plan import Node, Path
from agent.plan_prompts import steps_taken
from agent.plan_state import PlanState
from agent.planner import Context
from agent.references import BadReference, references, resolved
from mcp_registry.arguments import ArgumentCheck, WrongArguments
from retrieval.tool import ToolId, ToolSpec

_MOST_ERROR = 600


class CannotCall(ValueError):
    """The step cannot be made from where the run stands; the message is told to the model."""


async def known_tools(context: Context, ids: Iterable[ToolId]) -> dict[ToolId, ToolSpec]:
    """The definitions of those tools that exist; also of those that only the equipment has."""
    wanted = list(dict.fromkeys(ids))
    known = await context.toolbox.tools(wanted)
    if len(known) < len(wanted):
        own = {tool.tool_id: tool for tool in await context.equipment.tools(context)}
        known = {**{id_: own[id_] for id_ in wanted if id_ in own}, **known}
    return known


async def call_of(context: Context, node: Node, path: Path) -> Call:
    """The call that carries out a node of the tree at `path`.

    Raises:
        CannotCall: its tool is gone, a reference leads nowhere, or its arguments do not fit once they are filled in.
    """
    assert node.action is not None
    taken = steps_taken(context.state)
    tools = await known_tools(context, [node.action.tool_id])
    tool = tools.get(node.action.tool_id)
    if tool is None:
        raise CannotCall(f"tool {node.action.tool_id!r} is not there any more")
    return Call(
        id=context.next_call_id(),
        tool_id=tool.tool_id,
        arguments=filled(node.action, tool, taken),
        node=path,
        untrusted_prompt=node.untrusted,
        filled_from=filled_from(node.action, taken),
    )


def filled(action: PlannedCall, tool: ToolSpec, taken: list[Step]) -> dict[str, Any]:
    """The arguments as they are sent.

    Raises:
        CannotCall: a reference leads nowhere, or they do not fit.
    """
    try:
        return dict(ArgumentCheck(tool.input_schema).fit(resolved(action.arguments, taken)))
    except BadReference as error:
        raise CannotCall(str(error)) from None
    except WrongArguments as error:
        raise CannotCall(f"wrong arguments: {error}") from None


def filled_from(action: PlannedCall, taken: list[Step]) -> tuple[str, ...]:
    """The calls whose results stand in the arguments."""
    used = {each.step for each in references(action.arguments)}
    return tuple(step.call.id for number, step in enumerate(taken, 1) if number in used)


@dataclass(frozen=True, slots=True)
class Failure:
    """The first step on the way taken that went wrong, and how."""

    path: Path
    error: str


def failure_on_way(context: Context, plan: PlanState) -> Failure | None:
    """What went wrong with the steps that were made last; None when all went well."""
    for depth, node in enumerate(plan.taken, 1):
        if node.outcome not in {None, Outcome.SUCCEEDED}:
            return Failure(plan.at[:depth], _told(context, node))
    return None


def _told(context: Context, node: Node) -> str:
    step = next((step for step in context.state.steps if step.call.id == node.call_id), None)
    text = step.text.strip()[:_MOST_ERROR] if step else ""
    told = {
        Outcome.REFUSED: "it was not allowed",
        Outcome.UNKNOWN: "nobody knows whether it ran: it must not be repeated blindly",
    }.get(node.outcome or Outcome.FAILED, "")
    return ": ".join(part for part in (told, text) if part) or "it failed"
