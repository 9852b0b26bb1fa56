"""ReAct (arXiv 2210.03629): one action at a time, each after a look at all that came before."""

from agent import event as kinds
from agent.acting import Calls, Say, Search, propose
from agent.call import Call
from agent.plan_state import PlanState
from agent.planner import Act, Context, Finish, GiveUp, Move
from agent.prompts import briefing

_MOST_SEARCHES = 6
"""In a row, without a call between them."""


class ReActPlanner:
    """No plan: the prompt has every step so far, and the model names the next."""

    async def next(self, context: Context) -> Move:
        _note_failure(context)
        for turn in range(_MOST_SEARCHES + 1):
            tools = await context.equipment.tools(context)
            messages = briefing(context, tools)
            may_search = None if turn < _MOST_SEARCHES else False
            action = await propose(context, messages, tools, can_search=may_search)
            match action:
                case Search(queries=queries):
                    await context.equipment.search(context, queries)
                case Say(text=text):
                    return Finish(text)
                case Calls() if action.calls:
                    untrusted = any(message.untrusted for message in messages)
                    return Act(_calls(context, action, untrusted=untrusted))
                case _:
                    return GiveUp(f"the model named no action that can be made: {getattr(action, 'reason', '')}")
        return GiveUp(f"the model only searched for tools, {_MOST_SEARCHES} times in a row")


def _note_failure(context: Context) -> None:
    """A step that failed and is followed by another is a correction, counted once."""
    steps = context.state.steps
    corrected = (context.state.plan or PlanState()).corrected
    if steps and not steps[-1].ok and steps[-1].call.id != corrected:
        context.emit(kinds.Replanned(error=steps[-1].text[:300], call_id=steps[-1].call.id))


def _calls(context: Context, action: Calls, *, untrusted: bool) -> tuple[Call, ...]:
    first = context.next_call_id()
    ids = [first, *(f"{first}.{place}" for place in range(1, len(action.calls)))]
    return tuple(
        Call(id=id_, tool_id=tool_id, arguments=arguments, untrusted_prompt=untrusted, said=action.said)
        for id_, (tool_id, arguments) in zip(ids, action.calls, strict=True)
    )
