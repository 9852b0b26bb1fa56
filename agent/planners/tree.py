"""Tree-Planner for tools (arXiv 2310.08582): plans sampled once, merged into a tree, and walked by small decisions.

    sample ─> merge ─> at a place: one open child ─> take it; several ─> choose; END ─> answer
                          │ its step fails: the others at this place; else climb; else sample anew from here
                          └ NONE: sample anew from here; then one step without a plan; then give up

What differs from the paper: arguments may refer to earlier results; going back is only done past steps that may be
left behind (see climbing); none fitting is an answer, and leads to new plans.
"""

from agent import event as kinds
from agent.acting import Calls, Say, Search, propose
from agent.event import PlannedCall
from agent.plan import key_of
from agent.plan_prompts import replan_reasons
from agent.plan_state import NONE, PlanState
from agent.planner import Act, Context, Finish, GiveUp, Move, Review
from agent.planners.answering import answered
from agent.planners.beside import calls_wanted, take_beside
from agent.planners.climbing import way_up
from agent.planners.deciding import choose
from agent.planners.review import review_of
from agent.planners.sampling import made_of, sample_plans
from agent.planners.stepping import CannotCall, Failure, failure_on_way
from agent.prompts import briefing
from agent.references import literal

_MOST_TURNS = 500
"""Each turn takes, fails or leaves a node, or samples; this only ends what a mistake of ours would make endless."""
_MOST_SEARCHES = 3
_REFUSALS = 2


class TreePlanner:
    """All that it knows is in the run's `PlanState`; each turn looks at it and does one thing."""

    async def next(self, context: Context) -> Move:
        for _ in range(_MOST_TURNS):
            move = await _turn(context, context.state.plan or PlanState())
            if move is not None:
                return move
        return GiveUp(f"the plan tree came to no end in {_MOST_TURNS} turns")


async def _turn(context: Context, plan: PlanState) -> Move | None:
    """A move, or None when something was emitted and the state is to be looked at again."""
    if len(plan.refused) >= _REFUSALS and plan.refusal:
        return GiveUp(f"the plans were refused: {'; '.join(filter(None, plan.refused)) or 'no reason was given'}")
    if not plan.made or plan.refusal:
        return await _sample(context)
    if context.state.options.approve_plan and not plan.reviewed and any(c.action for c in plan.here.open_children):
        asked = await review_of(context, plan)
        context.emit(asked)
        return Review(asked.summary)
    if plan.at and (plan.here.is_end or not plan.here.call_id):
        return await _carry_out(context, plan)
    failure = failure_on_way(context, plan)
    if failure is not None:
        return _fail(context, failure)
    if plan.none or not plan.here.open_children:
        return await _way_on(context, plan)
    await _decide(context, plan)
    return None


async def _sample(context: Context) -> None:
    context.emit(made_of(context, await sample_plans(context, told=replan_reasons(context.state))))


async def _decide(context: Context, plan: PlanState) -> None:
    chosen = await choose(context, plan.here.open_children)
    if chosen.by == "fallback":
        context.emit(
            kinds.Noted(text="the model's choice of step could not be read; the step most plans share is taken")
        )
    path = (*plan.at, chosen.key)
    context.emit(kinds.Decided(path=path, by=chosen.by, votes=chosen.votes, untrusted=chosen.untrusted))
    if chosen.key == NONE:
        context.emit(kinds.Replanned(error="none of the planned steps leads to the goal"))


async def _carry_out(context: Context, plan: PlanState) -> Move | None:
    """The call of the node that was just taken, and what may be made with it; or the answer at an end."""
    if plan.here.is_end:
        return await answered(context)
    await take_beside(context)
    match await calls_wanted(context, context.state.plan or plan):
        case (path, CannotCall() as error):
            return _fail(context, Failure(path, str(error)))
        case calls:
            return Act(calls)


def _fail(context: Context, failure: Failure) -> GiveUp | None:
    context.emit(kinds.NodeFailed(path=failure.path, error=failure.error))
    options = context.state.options
    if context.state.corrections > options.retries:
        return GiveUp(f"{options.retries} failed steps were corrected (retries), and another failed: {failure.error}")
    return None


async def _way_on(context: Context, plan: PlanState) -> Move | None:
    """Nothing below fits: climb, or sample from here; after NONE sample first."""
    if not plan.none and (climbed := await _climb(context, plan)):
        return climbed if isinstance(climbed, Act) else None
    if _samplings_left(context, plan):
        return await _sample(context)
    if plan.none and (climbed := await _climb(context, plan)):
        return climbed if isinstance(climbed, Act) else None
    if not plan.reactive:
        return await _react(context, plan)
    return GiveUp("; ".join(["no plan leads on from here", *plan.errors[-1:]]))


def _samplings_left(context: Context, plan: PlanState) -> bool:
    """Beyond the first: `Options.resamples`, one for each refusal, and one after the step without a plan.

    (That step is a plan of its own, so it counts twice.)
    """
    return plan.made < 1 + context.state.options.resamples + len(plan.refused) + 2 * plan.reactive


async def _climb(context: Context, plan: PlanState) -> Act | bool:
    """Whether the run has climbed; or the call that has to be made first, to take a step back."""
    way = await way_up(context, plan)
    if way is None:
        return False
    if way.undo is not None:
        return Act((way.undo,))
    left = " | ".join(plan.at[len(way.target) :])
    context.emit(kinds.Climbed(path=way.target, error=f"This way was given up: {left}"))
    return True


async def _react(context: Context, plan: PlanState) -> Move | None:
    """One step without a plan; it becomes part of the tree."""
    for _ in range(_MOST_SEARCHES + 1):
        tools = await context.equipment.tools(context)
        messages = [*briefing(context, tools), *replan_reasons(context.state)]
        action = await propose(context, messages, tools)
        match action:
            case Search(queries=queries):
                await context.equipment.search(context, queries)
            case Say(text=text):
                return Finish(text)
            case Calls(calls=((tool_id, arguments), *_)):
                step = PlannedCall(tool_id=tool_id, arguments=literal(arguments))
                return _taken_without_plan(context, plan, step, untrusted=any(m.untrusted for m in messages))
            case _:
                break
    return GiveUp("; ".join(["no plan leads on from here, and the model named no step", *plan.errors[-1:]]))


def _taken_without_plan(context: Context, plan: PlanState, step: PlannedCall, *, untrusted: bool) -> GiveUp | None:
    failed = plan.tree.fails_along([step], plan.at)
    if failed is not None:
        return GiveUp(f"no plan leads on from here; the model names what has failed: {failed.key}: {failed.error}")
    prefix = len(plan.taken)
    context.emit(
        kinds.PlanMade(plans=((step,),), sampled=1, prefix=prefix, untrusted_prompt=untrusted),
        kinds.Decided(path=(*plan.at, key_of(step)), by="reactive"),
    )
    return None
