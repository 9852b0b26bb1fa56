"""A model and a planner that answer at once, for benchmarks of all that is around them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from agent.call import Call
from agent.llm import LLM, Answer, Ask, Completion, OnText, Profile, Purpose
from agent.message import Message, assistant, user
from agent.options import Options
from agent.planner import Act, Context, Finish
from agent.strategies import Strategies, by_name
from agent.usage import Usage
from retrieval.tool import ToolSpec

LOOK = ToolSpec(
    server="bench",
    name="look",
    description="Looks up what is known of a number",
    input_schema={"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]},
    annotations={"readOnlyHint": True},
)


class CountingLLM:
    """Asks for the tool so many times with another number, and then answers; whatever it is asked, at once."""

    id = "counting"

    def __init__(self, steps: int) -> None:
        self.profile = Profile(shapes="response_format", samples=True, context_tokens=200_000)
        self._left = steps

    async def sample(self, messages: Sequence[Message], ask: Ask, *, on_text: OnText | None = None) -> Answer:
        del on_text
        said = "Nothing of note."
        if ask.purpose is Purpose.ACT:
            self._left -= 1
            more = {"tool": LOOK.tool_id, "arguments": {"number": self._left}}
            said = json.dumps(more if self._left >= 0 else {"answer": "done"})
        usage = Usage(calls=1, encoded=sum(len(message.content) for message in messages) // 4, decoded=len(said) // 4)
        return Answer(completions=(Completion(message=assistant(said)),) * ask.n, usage=usage, model=self.id)


class NoPlanner:
    """Makes so many calls, with one short sample before each; no prompt is built."""

    def __init__(self, steps: int) -> None:
        self._steps = steps

    async def next(self, context: Context) -> Act | Finish:
        done = len(context.state.steps)
        await context.sample([user("What next?")], Ask(purpose=Purpose.ACT))
        if done >= self._steps:
            return Finish("done")
        return Act((Call(id=context.next_call_id(), tool_id=LOOK.tool_id, arguments={"number": done}),))


def choosing(planner: str, steps: int) -> Callable[[Options, LLM], Strategies]:
    """Each run gets a model of its own, which counts for it."""

    def choose(options: Options, _: LLM) -> Strategies:
        named = by_name(options, CountingLLM(steps))
        return replace(named, planner=NoPlanner(steps)) if planner == "graph" else named

    return choose
