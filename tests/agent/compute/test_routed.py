"""A small model first, the large one where that will not do."""

from collections.abc import Sequence
from typing import Any

import pytest

from agent.compute import Routed
from agent.errors import LlmRefused, LlmUnavailable
from agent.llm import LLM, Answer, Ask, Choice, Completion, JsonShape, OnText, Option, Profile, Purpose, Token
from agent.message import Message, assistant, user
from agent.testing import ScriptedLLM
from agent.usage import Usage
from retrieval.tool import ToolSpec

MESSAGES = [user("Which?")]
A_OR_B = Choice(options=(Option(label="A", text="one"), Option(label="B", text="two")))
LARGE = "B"


class Told:
    """An LLM that gives one answer, or raises it."""

    id = "told"

    def __init__(self, answer: Answer | Exception, **able: Any) -> None:
        self.profile = Profile(**able)
        self.asked: list[Ask] = []
        self._answer = answer

    async def sample(self, messages: Sequence[Message], ask: Ask, *, on_text: OnText | None = None) -> Answer:
        self.asked.append(ask)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def answer(*texts: str, finish: str = "stop", tokens: tuple[Token, ...] = ()) -> Answer:
    completions = tuple(Completion(message=assistant(text), finish=finish, tokens=tokens) for text in texts)
    return Answer(completions=completions, usage=Usage(calls=1, encoded=10, decoded=len(texts)), model="small")


def decide(**wanted: Any) -> Ask:
    return Ask(purpose=Purpose.DECIDE, shape=A_OR_B, **wanted)


async def asked(small: LLM, ask: Ask) -> tuple[Answer, ScriptedLLM]:
    large = ScriptedLLM(lambda _, ask: [LARGE] * ask.n)
    return await Routed(small, large).sample(MESSAGES, ask), large


async def test_a_valid_answer_of_the_small_model_will_do() -> None:
    given, large = await asked(Told(answer("A")), decide())
    assert given.text == "A"
    assert large.asked == []


@pytest.mark.parametrize(
    ("small", "ask"),
    [
        (answer("neither"), decide()),
        (answer("A", "B", "C", "B"), decide(n=4)),
        (answer("A", tokens=(Token(text="A", logprob=-0.7, alternatives={"A": -0.7, "B": -0.71}),)), decide()),
        (answer("no json"), Ask(purpose=Purpose.REVISE, shape=JsonShape(schema={"type": "object"}))),
        (answer("and then", finish="length"), Ask(purpose=Purpose.SUMMARISE)),
        (
            answer("x", tokens=(Token(text="x", logprob=-3.0, alternatives={"y": -3.0, "z": -3.0}),) * 3),
            Ask(purpose=Purpose.SUMMARISE),
        ),
        (LlmUnavailable("gone"), decide()),
        (LlmRefused("too long"), decide()),
    ],
)
async def test_the_large_one_is_asked_where_the_answer_is_invalid_or_unsure(
    small: Answer | Exception, ask: Ask
) -> None:
    given, large = await asked(Told(small, logprobs=True), ask)
    assert given.text == LARGE
    assert len(large.asked) == 1
    paid = small.usage if isinstance(small, Answer) else Usage()
    assert given.usage.encoded == paid.encoded + 3
    assert given.usage.calls == paid.calls + 1


async def test_a_choice_that_the_log_probabilities_are_sure_of_will_do() -> None:
    sure = Token(text="A", logprob=-0.1, alternatives={"A": -0.1, "B": -3.0, "the": -4.0})
    small = Told(answer("A", tokens=(sure,)), logprobs=True)
    given, _ = await asked(small, decide())
    assert given.text == "A"
    assert small.asked[0].logprobs > 0


@pytest.mark.parametrize(
    "ask",
    [
        Ask(purpose=Purpose.PLAN),
        Ask(purpose=Purpose.ACT),
        decide(effort=0.9),
        decide(max_tokens=30_000),
        decide(tools=(ToolSpec(server="s", name="t"),)),
    ],
)
async def test_hard_calls_and_those_that_the_small_model_cannot_take_go_to_the_large_one(ask: Ask) -> None:
    small = Told(answer("A"))
    given, _ = await asked(small, ask)
    assert given.text == LARGE
    assert small.asked == []


async def test_a_call_that_looks_easy_goes_to_the_small_one_whatever_it_is_for() -> None:
    given, _ = await asked(Told(answer("done")), Ask(purpose=Purpose.ACT, effort=0.1))
    assert given.text == "done"


async def test_only_what_both_can_do_is_promised() -> None:
    small = Told(answer("A"), logprobs=True, samples=False, context_tokens=100)
    large = Told(answer("A"), logprobs=True, samples=True, context_tokens=900, encode_usd=3.0)
    profile = Routed(small, large).profile
    assert (profile.logprobs, profile.samples, profile.context_tokens, profile.encode_usd) == (True, False, 900, 3.0)
