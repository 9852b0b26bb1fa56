"""`CodePlanner`: the model writes a program, and each of its tool calls is a step of the run like any other."""

import asyncio

from agent.call import Call, Step
from agent.code_mode.interpreter import Ended
from agent.code_mode.names import Names, named
from agent.code_mode.prompt import briefing, found, mending, program_in
from agent.code_mode.replay import Broken, Came, Searches, Waits, replay
from agent.event import ProgramWritten, Replanned
from agent.llm import Ask, Purpose
from agent.message import Message
from agent.planner import Act, Context, Finish, GiveUp, Move
from agent.state import RunState

_MOST_TOKENS = 1_500
_NOTHING = "it ended and printed nothing; print the answer for the user"


class CodePlanner:
    """Runs the last program again over the results that there are, until it wants a call that has none.

    So a run is resumed wherever it was stopped, and ledger, policy and approvals see every call. A program that fails
    is mended by another one; the calls that were made stay made.
    """

    async def next(self, context: Context) -> Move:
        last: list[Message] = []
        error = ""
        while True:
            program = context.state.program
            if program is not None and not last:
                names = named(await context.equipment.tools(context))
                settled = _settled(context.state)
                came = await asyncio.to_thread(replay, program.source, names, settled)
                if isinstance(came, Waits):
                    return _act(context, program, came, tuple(step.call.id for step in settled.values()))
                if isinstance(came, Ended) and came.text.strip():
                    return Finish(came.text)
                last, error = await _wrong(context, program, came, names)
            if context.state.programs > context.state.options.retries:
                return GiveUp(f"none of {context.state.programs} programs came to an end: {error}")
            await _write(context, last)
            last = []


def _act(context: Context, program: ProgramWritten, waits: Waits, filled_from: tuple[str, ...]) -> Act:
    """The calls. Every result so far may have had a hand in them: by a value, or by which way the program took."""
    first = context.next_call_id()
    calls = tuple(
        Call(
            id=first if place == 0 else f"{first}.{place}",
            tool_id=wanted.tool.tool_id,
            arguments=wanted.arguments,
            untrusted_prompt=program.untrusted_prompt,
            filled_from=filled_from,
            site=f"{context.state.programs}:{wanted.site}",
        )
        for place, wanted in enumerate(waits.calls)
    )
    return Act(calls)


def _settled(state: RunState) -> dict[str, Step]:
    """The steps of the last program by their sites; of a call that was made again, the last."""
    start = f"{state.programs}:"
    return {step.call.site.removeprefix(start): step for step in state.steps if step.call.site.startswith(start)}


async def _wrong(context: Context, program: ProgramWritten, came: Came, names: Names) -> tuple[list[Message], str]:
    """What the model is told of a program that reached no end, and why it did not."""
    if isinstance(came, Searches):
        ids = set(await context.equipment.search(context, came.queries))
        shown = [name for name, tool in named(await context.equipment.tools(context)).items() if tool.tool_id in ids]
        return found(program.source, shown), "it searched for tools"
    error = came.error if isinstance(came, Broken) else _NOTHING
    context.emit(Replanned(error=error))
    return mending(program.source, error, untrusted=context.state.untrusted), error


async def _write(context: Context, last: list[Message]) -> None:
    names = named(await context.equipment.tools(context))
    messages = [*briefing(context, names), *last]
    untrusted = any(message.untrusted for message in messages)
    ask = Ask(purpose=Purpose.CODE, max_tokens=_MOST_TOKENS, seed=context.state.options.seed)
    answer = await context.sample(messages, ask)
    context.emit(ProgramWritten(source=program_in(answer.text), untrusted_prompt=untrusted))
