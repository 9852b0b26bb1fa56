"""Corrections by asking again (the baselines of Tree-Planner, section 5): for one step, or for a whole new plan."""

from agent import event as kinds
from agent.call import Outcome
from agent.event import PlannedCall
from agent.message import Message, user
from agent.plan import Path
from agent.plan_prompts import replan_reasons
from agent.plan_state import NONE, PlanState
from agent.planner import Context, GiveUp, Move
from agent.planners.deciding import choose
from agent.planners.plan_execute import along
from agent.planners.sampling import Sampled, made_of, sample_plans
from agent.planners.stepping import CannotCall, failure_on_way

_ONE_STEP = "Replace only the step that failed: give a plan of the one step that takes its place, and no more."
_ANEW = "Make a new plan for what is left to do, in which that does not happen again."


class _Replanning:
    """One plan at a time; a failed step leads to a new one, until `Options.retries` corrections are made.

    At its end the model is asked whether the goal is reached, as it is at the end of a tree.
    """

    async def next(self, context: Context) -> Move:
        if context.state.plan is None or not context.state.plan.made:
            context.emit(made_of(context, await sample_plans(context, n=1)))
        while True:
            move = await self._move(context)
            if not isinstance(move, str):
                return move
            retries = context.state.options.retries
            if context.state.corrections >= retries:
                return GiveUp(f"{retries} corrections were made (retries); last: {move}")
            await self._correct(context, context.state.plan or PlanState(), move)

    async def _move(self, context: Context) -> Move | str:
        """The next move along the plan, or what is wrong with it."""
        plan = context.state.plan or PlanState()
        failure = failure_on_way(context, plan)
        if failure is not None:
            return failure.error
        ends = [child for child in plan.here.open_children if child.is_end]
        if ends and (chosen := await choose(context, ends)).key == NONE:
            context.emit(kinds.Decided(path=(*plan.at, NONE), by=chosen.by, votes=chosen.votes))
            return "the plan has come to its end, and the goal is not reached"
        move = await along(context, plan)
        return str(move) if isinstance(move, CannotCall) else move.reason if isinstance(move, GiveUp) else move

    async def _correct(self, context: Context, plan: PlanState, failure: str) -> None:
        """Replace the step that failed; where no plan leads on, nothing has failed, and a plan is asked for again."""
        failed = bool(plan.at) and plan.here.outcome is not Outcome.SUCCEEDED
        left = _left(plan, plan.at)
        path = plan.at if failed else ()
        context.emit(kinds.Replanned(error=failure, call_id=plan.here.call_id if failed else "", path=path))
        context.emit(made_of(context, await self._sampled(context, left)))

    async def _sampled(self, context: Context, left: tuple[PlannedCall, ...]) -> Sampled:
        raise NotImplementedError


class GlobalReplanPlanner(_Replanning):
    """A failed step leads to a whole new plan from where the run stands."""

    async def _sampled(self, context: Context, left: tuple[PlannedCall, ...]) -> Sampled:
        return await sample_plans(context, n=1, told=_told(context, _ANEW))


class LocalReplanPlanner(_Replanning):
    """A failed step is replaced by one other; the rest of the plan stays."""

    async def _sampled(self, context: Context, left: tuple[PlannedCall, ...]) -> Sampled:
        rest = "\n".join(f"- {step.tool_id}" for step in left)
        told = _told(context, f"{_ONE_STEP}\nAfter it come:\n{rest}" if rest else _ONE_STEP)
        found = await sample_plans(context, n=1, told=told, most=1)
        plans = tuple((*plan[:1], *left) for plan in found.plans)
        return Sampled(
            plans=plans,
            dropped=found.dropped,
            sampled=found.sampled,
            untrusted=found.untrusted,
            prompt_tokens=found.prompt_tokens,
        )


def _told(context: Context, wanted: str) -> list[Message]:
    return [*replan_reasons(context.state), user(wanted)]


def _left(plan: PlanState, path: Path) -> tuple[PlannedCall, ...]:
    """The steps of the only plan that come after a place."""
    node = plan.tree.node(path)
    steps: list[PlannedCall] = []
    while node is not None:
        node = next((child for child in node.open_children if child.action), None)
        if node is not None and node.action is not None:
            steps.append(node.action)
    return tuple(steps)
