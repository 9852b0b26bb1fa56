"""How far up the plan tree a run may go back, and which calls take back what it passes.

Going back past a step is only sound when the step changed nothing, may be made any number of times, or is taken back.
Any other success is a commit point: what lies above it is not considered again (the paper restores a snapshot of its
simulator instead; the world has none).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.call import Call, Outcome, Step
from agent.compensation import Compensation
from agent.plan import Node, Path
from agent.plan_state import UNDO, PlanState
from agent.planner import Context
from agent.planners.stepping import known_tools
from mcp_registry.arguments import ArgumentCheck, WrongArguments
from retrieval.tool import ToolId, ToolSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class WayUp:
    """Where a run can go on, and the next call that has to be made first to take a step back, if any."""

    target: Path
    undo: Call | None = None


async def way_up(context: Context, plan: PlanState) -> WayUp | None:
    """The nearest place above with an open child, if all steps on the way there may be passed."""
    ground = await _ground(context, plan)
    target = plan.tree.climb(plan.at, ground.least(plan))
    if target is None:
        return None
    for depth in range(len(plan.at), len(target), -1):
        path = plan.at[:depth]
        node = plan.tree.node(path)
        if node is not None and not ground.harmless(node):
            return WayUp(target=target, undo=ground.undoing(context, node, path))
    return WayUp(target=target)


def harmless(tool: ToolSpec) -> bool:
    """Whether a call may be left behind: its hints say that it only reads, or may be repeated and destroys nothing."""
    hints = tool.annotations or {}
    return tool.read_only or (hints.get("idempotentHint") is True and hints.get("destructiveHint") is not True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What is known of the steps on the way: their tools, how they are taken back, and what came of them."""

    tools: Mapping[ToolId, ToolSpec]
    compensations: Mapping[ToolId, Compensation]
    steps: Mapping[str, Step]

    def least(self, plan: PlanState) -> int:
        """The depth above which the run may not go back."""
        for depth in range(len(plan.at), 0, -1):
            path = plan.at[:depth]
            node = plan.tree.node(path)
            if node is None or self._uncertain_below(node) or not self._passable(node, path, plan):
                return depth
        return 0

    def harmless(self, node: Node) -> bool:
        tool = self.tools.get(node.action.tool_id) if node.action else None
        return tool is not None and harmless(tool) and tool.tool_id not in self.compensations

    def _passable(self, node: Node, path: Path, plan: PlanState) -> bool:
        return self.harmless(node) or (path not in plan.stuck and self._undo_arguments(node) is not None)

    def _uncertain_below(self, node: Node) -> bool:
        """Whether a step was tried from here of which nobody knows whether it had its effect."""
        return any(child.outcome is Outcome.UNKNOWN and not self.harmless(child) for child in node.children)

    def undoing(self, context: Context, node: Node, path: Path) -> Call:
        assert node.action is not None
        compensation = self.compensations[node.action.tool_id]
        arguments = self._undo_arguments(node)
        assert arguments is not None
        return Call(
            id=context.next_call_id(),
            tool_id=compensation.tool_id,
            arguments=arguments,
            node=(*path, UNDO),
            untrusted_prompt=node.untrusted,
            filled_from=(node.call_id,) if "$result" in str(compensation.arguments) else (),
        )

    def _undo_arguments(self, node: Node) -> dict[str, Any] | None:
        """The arguments of the call that takes a step back; None where there is no such call."""
        step = self.steps.get(node.call_id)
        compensation = self.compensations.get(node.action.tool_id) if node.action else None
        tool = self.tools.get(compensation.tool_id) if compensation else None
        if step is None or compensation is None or tool is None:
            return None
        try:
            return dict(ArgumentCheck(tool.input_schema).fit(compensation.filled(step)))
        except (LookupError, WrongArguments):
            return None


async def _ground(context: Context, plan: PlanState) -> _Ground:
    compensations = context.state.options.compensations
    nodes = [child for node in (plan.tree.root, *plan.taken) for child in (node, *node.children)]
    ids = [node.action.tool_id for node in nodes if node.action]
    inverse = [compensations[id_].tool_id for id_ in ids if id_ in compensations]
    return _Ground(
        tools=await known_tools(context, [*ids, *inverse]),
        compensations=compensations,
        steps={step.call.id: step for step in context.state.steps},
    )
