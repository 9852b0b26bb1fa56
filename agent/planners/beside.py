"""Steps that only read and do not wait for each other's results are made side by side."""

import msgspec

from agent import event as kinds
from agent.call import Call
from agent.plan import Node, Path
from agent.plan_state import PlanState
from agent.planner import Context
from agent.planners.stepping import CannotCall, call_of, known_tools
from agent.references import references

_MOST = 8


async def take_beside(context: Context) -> None:
    """Take the steps after the one just taken that may be made with it.

    They must follow without anything to decide, all only read, as that one does, and refer to no result of the batch.
    One of them that fails leaves the others as reads on a way that was given up.
    """
    left = context.state.options.max_steps - context.state.calls_made
    while True:
        plan = context.state.plan or PlanState()
        waiting = [node for node in plan.taken if not node.call_id]
        child = plan.here.open_children[0] if len(plan.here.open_children) == 1 else None
        if child is None or child.action is None or len(waiting) >= min(_MOST, left):
            return
        made = len(plan.taken) - len(waiting)
        if any(each.step > made for each in references(child.action.arguments)):
            return
        path = (*plan.at, child.key)
        if not await _only_read(context, [*waiting, child]) or not await _can_be_called(context, child, path):
            return
        context.emit(kinds.Decided(path=path, by="single"))


async def calls_wanted(context: Context, plan: PlanState) -> tuple[Call, ...] | tuple[Path, CannotCall]:
    """The calls of all steps that were taken and not made; or the first that cannot be, with the reason."""
    first = context.next_call_id()
    calls: list[Call] = []
    for depth, node in enumerate(plan.taken, 1):
        if node.call_id:
            continue
        path = plan.at[:depth]
        try:
            call = await call_of(context, node, path)
        except CannotCall as error:
            return path, error
        calls.append(msgspec.structs.replace(call, id=f"{first}.{len(calls)}") if calls else call)
    return tuple(calls)


async def _only_read(context: Context, nodes: list[Node]) -> bool:
    ids = [node.action.tool_id for node in nodes if node.action]
    tools = await known_tools(context, ids)
    return all(id_ in tools and tools[id_].read_only for id_ in ids)


async def _can_be_called(context: Context, node: Node, path: Path) -> bool:
    try:
        await call_of(context, node, path)
    except CannotCall:
        return False  # it fails when its turn comes
    return True
