"""What a person is shown of a plan tree before it goes on, and what their approval covers."""

from collections import Counter
from collections.abc import Iterator, Mapping

from agent import event as kinds
from agent.call import action_hash
from agent.plan import Node
from agent.plan_picture import picture
from agent.plan_state import PlanState
from agent.planner import Context
from agent.planners.stepping import CannotCall, filled, known_tools
from agent.references import references
from retrieval.tool import ToolId, ToolSpec


async def review_of(context: Context, plan: PlanState) -> kinds.ReviewAsked:
    """The tree with its cost, and the hashes of all its open calls whose arguments are whole already.

    They are those that the calls will have: bound to the tool as it is published now and to the arguments as sent. One
    stands there as often as a single way through the tree makes that call.
    """
    nodes = [each for each in _below(plan.here) if each.action]
    tools = await known_tools(context, [node.action.tool_id for node in nodes if node.action])
    most = _most_on_a_way(plan.here, tools)
    return kinds.ReviewAsked(summary=picture(plan), hashes=tuple(most.elements()))


def _below(node: Node) -> Iterator[Node]:
    for child in node.open_children:
        yield child
        yield from _below(child)


def _most_on_a_way(node: Node, tools: Mapping[ToolId, ToolSpec]) -> Counter[str]:
    most: Counter[str] = Counter()
    for child in node.open_children:
        most |= Counter(_hash(child, tools)) + _most_on_a_way(child, tools)
    return most


def _hash(node: Node, tools: Mapping[ToolId, ToolSpec]) -> list[str]:
    """The hash of a node's call, if it is whole and can be made."""
    tool = tools.get(node.action.tool_id) if node.action else None
    if tool is None or node.action is None or any(True for _ in references(node.action.arguments)):
        return []
    try:
        return [action_hash(tool.fingerprint, filled(node.action, tool, []))]
    except CannotCall:
        return []
