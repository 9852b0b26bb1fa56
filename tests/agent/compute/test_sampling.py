"""Several samples in place of one, and which of them is given."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from agent.compute import Anytime, BestOfN, Judge, SelfConsistency, strategy_of
from agent.compute.ballot import ballot
from agent.compute.sampling import allowance
from agent.errors import LlmUnavailable
from agent.llm import Ask, Choice, Completion, JsonShape, Option, Profile, Purpose
from agent.message import Message, ToolCall, user
from agent.options import Options
from agent.testing import ScriptedLLM
from agent.usage import Usage
from retrieval.tool import ToolSpec

MESSAGES = [user("Where to?")]
CITY = JsonShape(schema={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
FOUR = Options(samples=4)
ROOMY = Options(samples=4, max_steps=1)


def act(**wanted: Any) -> Ask:
    return Ask(purpose=Purpose.ACT, shape=CITY, **wanted)


def cities(*names: str) -> Any:
    """A script that names one city a sample, and judges that the last candidate is best."""
    waiting = list(names)

    def script(messages: Any, ask: Ask) -> Sequence[str]:
        if ask.purpose is Purpose.JUDGE:
            assert isinstance(ask.shape, Choice)
            return [ask.shape.options[-1].label]
        said = waiting[: ask.n]
        del waiting[: ask.n]
        return [json.dumps({"city": name}) if name else "no idea" for name in said]

    return script


def city(text: str) -> str:
    return json.loads(text)["city"]


async def test_the_answer_that_most_samples_give_is_given() -> None:
    llm = ScriptedLLM(cities("Oslo", "Rome", "Bern", "Rome"))
    answer = await SelfConsistency(llm, FOUR).sample(MESSAGES, act())
    assert city(answer.text) == "Rome"
    assert len(answer.completions) == 1
    ((_, asked),) = llm.asked
    assert asked.n == 4
    assert asked.temperature > 0


async def test_a_tie_goes_to_the_first_and_invalid_samples_have_no_vote() -> None:
    llm = ScriptedLLM(cities("", "Oslo", "", "Rome"))
    assert city((await SelfConsistency(llm, FOUR).sample(MESSAGES, act())).text) == "Oslo"


async def test_where_none_is_valid_the_first_is_given_to_be_mended() -> None:
    llm = ScriptedLLM(cities("", "", "", ""))
    assert (await SelfConsistency(llm, FOUR).sample(MESSAGES, act())).text == "no idea"


async def test_spelling_of_json_makes_no_difference_to_votes() -> None:
    same = ['{"city": "Bern"}', '{"city":"Oslo"}', '```json\n{ "city" : "Oslo" }\n```']
    llm = ScriptedLLM(lambda _, ask: same[: ask.n])
    chosen = await SelfConsistency(llm, Options(samples=3)).sample(MESSAGES, act())
    assert "Oslo" in chosen.text


async def test_best_of_n_asks_a_judge_about_the_different_valid_ones() -> None:
    llm = ScriptedLLM(cities("Oslo", "", "Oslo", "Rome"))
    told: list[str] = []
    answer = await BestOfN(llm, FOUR, Judge(llm)).sample(MESSAGES, act(), on_text=told.append)
    assert city(answer.text) == "Rome"
    assert told == [answer.text]
    messages, judged = llm.asked[-1]
    assert judged.purpose is Purpose.JUDGE
    assert messages[: len(MESSAGES)] == tuple(MESSAGES)
    assert 'A. {"city": "Oslo"}\nB. {"city": "Rome"}' in messages[-1].content
    assert answer.usage.calls == 2


async def test_a_judge_is_not_asked_where_all_agree_and_not_believed_where_it_names_none() -> None:
    llm = ScriptedLLM(cities("Oslo", "Oslo", "Oslo", "Oslo"))
    await BestOfN(llm, FOUR, Judge(llm)).sample(MESSAGES, act())
    assert len(llm.asked) == 1
    vague = ScriptedLLM(lambda _, ask: "hm")
    llm = ScriptedLLM(cities("Oslo", "Rome", "Rome", "Bern"))
    assert city((await BestOfN(llm, FOUR, Judge(vague)).sample(MESSAGES, act())).text) == "Rome"


@pytest.mark.parametrize("compute", ["best-of-n", "self-consistency", "anytime"])
@pytest.mark.parametrize(
    "ask",
    [
        Ask(purpose=Purpose.REVISE, shape=CITY),
        Ask(purpose=Purpose.PLAN, shape=CITY, n=5),
        Ask(purpose=Purpose.DECIDE, shape=Choice(options=(Option(label="A", text="a"),)), logprobs=5),
    ],
)
async def test_other_calls_and_those_that_ask_for_several_themselves_are_left_alone(compute: Any, ask: Ask) -> None:
    llm = ScriptedLLM(lambda _, ask: ["A"] * ask.n, profile=Profile(logprobs=True))
    answer = await strategy_of(Options(compute=compute))(llm).sample(MESSAGES, ask)
    assert [asked for _, asked in llm.asked] == [ask]
    assert len(answer.completions) == ask.n


async def test_easy_steps_are_sampled_once_and_hard_ones_twice_as_often() -> None:
    llm = ScriptedLLM(lambda _, ask: ['{"city": "Oslo"}'] * ask.n)
    for effort in (0.1, 0.5, 0.9, None):
        await SelfConsistency(llm, FOUR).sample(MESSAGES, act(effort=effort))
    assert [asked.n for _, asked in llm.asked] == [1, 4, 8, 4]


async def test_anytime_stops_when_the_votes_are_decided() -> None:
    llm = ScriptedLLM(cities("Oslo", "Oslo", "Oslo", *["Rome"] * 20))
    assert city((await Anytime(llm, ROOMY).sample(MESSAGES, act())).text) == "Oslo"
    assert [asked.n for _, asked in llm.asked] == [3]


async def test_anytime_goes_on_while_they_are_not() -> None:
    llm = ScriptedLLM(cities("Oslo", "Rome", "Rome", "Oslo", *["Rome"] * 20))
    answer = await Anytime(llm, ROOMY).sample(MESSAGES, act(seed=100))
    assert city(answer.text) == "Rome"
    asked = [ask for _, ask in llm.asked]
    assert sum(ask.n for ask in asked) > 4
    assert len({ask.seed for ask in asked}) == len(asked)
    assert answer.usage.calls == len(asked)


async def test_anytime_gives_up_on_agreement_where_there_is_none() -> None:
    llm = ScriptedLLM(cities(*"abcdefghijklmnopqrst"))
    assert city((await Anytime(llm, ROOMY).sample(MESSAGES, act())).text) == "a"
    assert sum(ask.n for _, ask in llm.asked) == 4


async def test_anytime_keeps_within_a_steps_share_of_the_budget() -> None:
    long = [user("x" * 400)]
    options = Options(samples=4, max_steps=10, max_tokens=2_500)
    llm = ScriptedLLM(cities(*["Oslo", "Rome"] * 20))
    answer = await Anytime(llm, options).sample(long, act())
    assert city(answer.text) == "Oslo"
    assert answer.usage.tokens <= 250


@pytest.mark.parametrize("compute", ["anytime", "best-of-n"])
async def test_what_was_sampled_is_not_lost_when_the_endpoint_goes_away(compute: Any) -> None:
    names = cities("Oslo", "Rome", "Rome")

    def script(messages: Any, ask: Ask) -> Sequence[str]:
        if len(llm.asked) > 1:
            raise LlmUnavailable("gone")
        return names(messages, ask)

    llm = ScriptedLLM(script)
    options = Options(compute=compute, samples=3, max_steps=1)
    answer = await strategy_of(options)(llm).sample(MESSAGES, act())
    assert city(answer.text) == "Rome"
    assert answer.usage.calls == 1
    assert len(llm.asked) == 2


async def test_free_text_has_no_votes() -> None:
    for compute in ("self-consistency", "anytime"):
        llm = ScriptedLLM(lambda _, ask: ["well"] * ask.n)
        await strategy_of(Options(compute=compute))(llm).sample(MESSAGES, Ask(purpose=Purpose.ANSWER))
        assert [ask.n for _, ask in llm.asked] == [1]


def test_one_call_is_the_default() -> None:
    llm = ScriptedLLM(lambda *_: "x")
    assert strategy_of(Options())(llm) is llm


def test_room_is_what_samples_like_those_so_far_leave() -> None:
    share = allowance(Options(samples=4, max_steps=10, max_tokens=1000, max_usd=1.0, max_seconds=100))
    assert share.room(Usage(encoded=40), 2) == 3
    assert share.room(Usage(encoded=2), 2) == 14
    assert share.room(Usage(encoded=2, cost=0.05), 2) == 2
    assert share.room(Usage(encoded=2, seconds=10.0), 2) == 0
    assert share.room(Usage(encoded=900), 1) == 0


def test_tool_calls_vote_when_the_tools_are_offered_and_take_the_arguments() -> None:
    tool = ToolSpec(
        server="s",
        name="t",
        input_schema={"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    )
    ask = Ask(purpose=Purpose.ACT, tools=(tool,))

    def called(name: str, **arguments: Any) -> str | None:
        call = ToolCall(id="1", name=name, arguments=arguments)
        return ballot(Completion(message=Message(role="assistant", tool_calls=(call,))), ask)

    assert called("s/t", n=1) == called("s/t", n="1") is not None
    assert called("s/t") is None
    assert called("s/other", n=1) is None
