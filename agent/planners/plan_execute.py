"""Plan and execute (the paper's Zero-shot Planner): one plan, made step by step, never corrected."""

from agent import event as kinds
from agent.plan_state import PlanState
from agent.planner import Act, Context, GiveUp, Move
from agent.planners.answering import answered
from agent.planners.sampling import made_of, sample_plans
from agent.planners.stepping import CannotCall, call_of, failure_on_way

STOPPED = (
    "A step of the plan failed, and no other is made. Answer the user now, in plain words and without calling tools: "
    "say what was done and found, and what is missing. Use only what stands above."
)


class PlanExecutePlanner:
    """One plan is sampled. Where a step fails, the run ends with an answer from what there is."""

    async def next(self, context: Context) -> Move:
        if context.state.plan is None or not context.state.plan.made:
            context.emit(made_of(context, await sample_plans(context, n=1)))
        plan = context.state.plan or PlanState()
        if failure_on_way(context, plan) is not None:
            return await answered(context, STOPPED)
        move = await along(context, plan)
        if isinstance(move, CannotCall):
            context.emit(kinds.Noted(text=f"the plan stops here: {move}"))
            return await answered(context, STOPPED)
        return move


async def along(context: Context, plan: PlanState) -> Move | CannotCall:
    """The next step of the only plan there is, the answer at its end, or why the step cannot be made."""
    if not plan.at or plan.here.call_id:
        child = next(iter(plan.here.open_children), None)
        if child is None:
            return GiveUp("no plan could be made that can be carried out")
        context.emit(kinds.Decided(path=(*plan.at, child.key), by="single"))
        plan = context.state.plan or plan
    if plan.here.is_end:
        return await answered(context)
    try:
        return Act((await call_of(context, plan.here, plan.at),))
    except CannotCall as error:
        return error
