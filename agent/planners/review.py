"""What a person is shown of a plan tree before it goes on, and what their approval covers."""

from collections.abc import Iterator

from agent import event as kinds
from agent.call import action_hash
from agent.plan import Node
from agent.plan_picture import picture
from agent.plan_state import PlanState
from agent.planner import Context
from agent.planners.stepping import CannotCall, filled, known_tools
from agent.references import references


async def review_of(context: Context, plan: PlanState) -> kinds.ReviewAsked:
    """The tree with its cost, and the hashes of all its open calls whose arguments are whole already.

    They are those that the calls will have: bound to the tool as it is published now and to the arguments as sent.
    """
    nodes = [node for node in _open_below(plan.here) if node.action]
    tools = await known_tools(context, [node.action.tool_id for node in nodes if node.action])
    hashes: list[str] = []
    for node in nodes:
        tool = tools.get(node.action.tool_id) if node.action else None
        if tool is None or node.action is None or any(True for _ in references(node.action.arguments)):
            continue
        try:
            hashes.append(action_hash(tool.fingerprint, filled(node.action, tool, [])))
        except CannotCall:
            continue  # it will fail without being made
    return kinds.ReviewAsked(summary=picture(plan), hashes=tuple(dict.fromkeys(hashes)))


def _open_below(node: Node) -> Iterator[Node]:
    for child in node.open_children:
        yield child
        yield from _open_below(child)
