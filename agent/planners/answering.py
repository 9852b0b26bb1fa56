"""The last words of a run that has followed a plan to its end."""

from agent import event as kinds
from agent.llm import Ask, Purpose
from agent.message import assistant, user
from agent.plan_prompts import ANSWER_NOW, key_of_call
from agent.planner import Context, Finish
from agent.prompts import report
from retrieval.chat import json_in
from retrieval.errors import AnswerUnusable

_MOST_TOKENS = 1_024


async def answered(context: Context, told: str = ANSWER_NOW) -> Finish:
    """What the model says to the user of all that was done; a list of it where the model says nothing."""
    messages = report(context, told)
    ask = Ask(purpose=Purpose.ANSWER, max_tokens=_MOST_TOKENS, seed=context.state.options.seed)
    answer = await context.sample(messages, ask)
    text = said_in(answer.text)
    if not text:
        again = [*messages, assistant(answer.text), user("Answer in plain words.")]
        text = said_in((await context.sample(again, ask)).text)
    if not text:
        context.emit(kinds.Noted(text="the model wrote no answer; the steps are listed instead"))
        text = _listed(context)
    return Finish(text)


def said_in(text: str) -> str:
    """The words of an answer, also where they come as {"answer": ...}; nothing where they are another action."""
    stripped = text.strip()
    if not stripped.startswith(("{", "```")):
        return stripped
    try:
        said = json_in(stripped)
    except AnswerUnusable:
        return stripped
    match said:
        case {"answer": str(words)}:
            return words.strip()
        case {"tool": _} | {"search": _}:
            return ""
        case _:
            return stripped


def _listed(context: Context) -> str:
    steps = context.state.steps
    lines = [f"- {key_of_call(step.call)}: {step.outcome.value}" for step in steps]
    return "\n".join(["These steps were made:", *lines]) if lines else "Nothing needed to be done."
