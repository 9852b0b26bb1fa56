"""A model behind an OpenAI-compatible endpoint, asked over real HTTP."""

import asyncio
import json
from typing import Any

import pytest

from agent.endpoint.testing import Abilities, Body, Failure, Said
from agent.errors import LlmRefused, LlmUnavailable
from agent.llm import Ask, Choice, JsonShape, Option, Purpose
from agent.message import Message, ToolCall, system, user
from retrieval.tool import ToolSpec

HELLO = [user("Hello?")]
COLOUR = Choice(options=(Option(label="A", text="red"), Option(label="B", text="green")))
CITY = JsonShape(schema={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
CLOCK = ToolSpec(server="time", name="now", description="The time.", input_schema={"type": "object", "properties": {}})


def ask(**wanted: Any) -> Ask:
    return Ask(purpose=Purpose.ACT, **wanted)


def in_turn(*replies: str | Said | Failure) -> Any:
    waiting = list(replies)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


async def test_the_conversation_and_what_is_asked_reach_the_endpoint(opened: Any) -> None:
    async with opened(in_turn("Good day")) as (llm, endpoint):
        answer = await llm.sample([system("Be brief."), *HELLO], ask(temperature=0.5, stop=("\n",), seed=7))
    assert answer.text == "Good day"
    assert endpoint.requests == [
        {
            "model": "scripted",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}],
            "temperature": 0.5,
            "max_tokens": 1024,
            "stop": ["\n"],
            "seed": 7,
        }
    ]


async def test_what_one_side_says_in_a_row_is_one_turn(opened: Any) -> None:
    answers = [Message(role="assistant", content="yes"), Message(role="assistant", content="no")]
    async with opened(in_turn("ok")) as (llm, endpoint):
        await llm.sample([system("a"), system("b"), user("c"), user("d"), *answers, user("e")], ask())
    sent = [(message["role"], message["content"]) for message in endpoint.requests[0]["messages"]]
    assert sent == [
        ("system", "a\n\nb"),
        ("user", "c\n\nd"),
        ("assistant", "yes"),
        ("assistant", "no"),
        ("user", "e"),
    ]


async def test_text_is_told_as_it_is_written(opened: Any) -> None:
    told: list[str] = []
    async with opened(in_turn("one two\u2028three")) as (llm, _):
        answer = await llm.sample(HELLO, ask(), on_text=told.append)
    assert told == ["one ", "two\u2028", "three"]
    assert answer.text == "one two\u2028three"
    assert answer.usage.decoded > 0


async def test_several_samples_are_one_request_where_the_endpoint_can(opened: Any) -> None:
    async with opened(in_turn("a", "b", "c")) as (llm, endpoint):
        answer = await llm.sample(HELLO, ask(n=3, temperature=1.0))
    assert [completion.text for completion in answer.completions] == ["a", "b", "c"]
    assert len(endpoint.requests) == 1
    assert answer.usage.calls == 1


async def test_several_samples_are_several_requests_with_their_own_seeds_where_it_cannot(opened: Any) -> None:
    async with opened(lambda body: str(body["seed"]), Abilities(samples=False)) as (llm, endpoint):
        answer = await llm.sample(HELLO, ask(n=3, seed=10))
    assert [completion.text for completion in answer.completions] == ["10", "11", "12"]
    assert answer.usage.calls == 3
    assert answer.usage.encoded == 3 * 2
    assert all("n" not in request for request in endpoint.requests)


async def test_samples_that_were_answered_are_given_when_others_fail(opened: Any) -> None:
    def script(body: Body) -> str | Failure:
        return Failure(status=503) if body["seed"] == 1 else "here"

    async with opened(script, Abilities(samples=False)) as (llm, _):
        answer = await llm.sample(HELLO, ask(n=3, seed=0))
    assert len(answer.completions) == 2


async def test_tools_are_offered_and_called_by_their_ids(opened: Any) -> None:
    said = Said(calls=(("time__now", '{"zone": "Asia/Tokyo"}'),))
    asked = Message(role="assistant", tool_calls=(ToolCall(id="1", name="time/now", arguments={}),))
    seen = Message(role="tool", tool_call_id="1", content="12:00")
    async with opened(in_turn(said)) as (llm, endpoint):
        for on_text in (None, lambda _: None):
            answer = await llm.sample([*HELLO, asked, seen], ask(tools=(CLOCK,)), on_text=on_text)
            (call,) = answer.completions[0].message.tool_calls
            assert (call.name, call.arguments) == ("time/now", {"zone": "Asia/Tokyo"})
            assert answer.completions[0].finish == "tool_calls"
    request = endpoint.requests[0]
    assert request["tools"][0]["function"]["name"] == "time__now"
    assert request["messages"][1]["tool_calls"][0]["function"] == {"name": "time__now", "arguments": "{}"}
    assert request["messages"][2]["tool_call_id"] == "1"


@pytest.mark.parametrize(
    ("arguments", "read"),
    [("", {}), ("{'zone': 1", {"unreadable_arguments": "{'zone': 1"}), ("[1]", {"unreadable_arguments": "[1]"})],
)
async def test_arguments_that_are_no_object_are_left_to_the_tools_schema(
    opened: Any, arguments: str, read: dict[str, Any]
) -> None:
    async with opened(in_turn(Said(calls=(("time__now", arguments),)))) as (llm, _):
        answer = await llm.sample(HELLO, ask(tools=(CLOCK,)))
    assert answer.completions[0].message.tool_calls[0].arguments == read


@pytest.mark.parametrize("shapes", [("structured_outputs",), ("grammar",), ("response_format",), ()])
async def test_a_choice_is_a_label_whatever_the_endpoint_can(opened: Any, shapes: Any) -> None:
    said = Said(text='{"choice": "B"}' if "response_format" in shapes else "B" if shapes else "The answer is B.")
    async with opened(in_turn(said), Abilities(shapes=shapes)) as (llm, endpoint):
        answer = await llm.sample(HELLO, ask(shape=COLOUR, logprobs=2))
    assert answer.text == "B"
    assert answer.completions[0].tokens[0].text == "B"
    if not shapes:
        assert "labels and nothing else: A, B" in endpoint.requests[0]["messages"][-1]["content"]


@pytest.mark.parametrize("shapes", [("structured_outputs",), ("grammar",), ("response_format",), ()])
async def test_json_is_json_whatever_the_endpoint_can(opened: Any, shapes: Any) -> None:
    said = '<think>{"city": "?"}</think>Sure! ```json\n{"city": "Oslo"}\n```' if not shapes else '{"city": "Oslo"}'
    async with opened(in_turn(said), Abilities(shapes=shapes)) as (llm, endpoint):
        answer = await llm.sample(HELLO, ask(shape=CITY))
    assert json.loads(answer.text) == {"city": "Oslo"}
    asked = json.dumps(endpoint.requests[0])
    assert "structured_outputs" in asked or "response_format" in asked or "JSON of this schema" in asked


async def test_a_schema_that_the_endpoint_cannot_hold_is_asked_for_in_words(opened: Any) -> None:
    def script(body: Body) -> str | Failure:
        return Failure(status=400, body="unsupported schema") if "response_format" in body else '{"city": "Oslo"}'

    async with opened(script) as (llm, endpoint):
        assert (await llm.sample(HELLO, ask(shape=CITY))).text == '{"city": "Oslo"}'
    assert [("response_format" in request) for request in endpoint.requests] == [True, False]


async def test_log_probabilities_come_with_their_alternatives(opened: Any) -> None:
    async with opened(in_turn(Said(text="yes", logprobs={"yes": -0.2, "no": -1.7}))) as (llm, endpoint):
        answer = await llm.sample(HELLO, ask(logprobs=2))
    (token,) = answer.completions[0].tokens
    assert (token.text, token.logprob, token.alternatives) == ("yes", -0.2, {"yes": -0.2, "no": -1.7})
    assert endpoint.requests[0]["top_logprobs"] == 2


async def test_what_it_took_is_counted_by_the_endpoint_and_paid_by_the_settings(opened: Any) -> None:
    long = [user("x" * 400)]
    async with opened(in_turn("four"), encode_usd=2.0, cache_price=0.5, decode_price=4.0) as (llm, _):
        first = (await llm.sample(long, ask())).usage
        second = (await llm.sample(long, ask())).usage
    assert (first.encoded, first.cached, first.decoded) == (100, 0, 1)
    assert first.cost == pytest.approx((100 + 4) * 2e-6)
    assert (second.encoded, second.cached) == (100, 100)
    assert second.cost == pytest.approx((50 + 4) * 2e-6)


async def test_what_it_took_is_estimated_where_the_endpoint_does_not_say(opened: Any) -> None:
    async with opened(in_turn("eight888"), Abilities(usage=False)) as (llm, _):
        usage = (await llm.sample(HELLO, ask())).usage
    assert (usage.encoded, usage.decoded) == (6, 2)


async def test_what_passes_is_tried_again_after_a_growing_wait(opened: Any, waits: Any) -> None:
    async with opened(in_turn(Failure(status=503), Failure(status=200, body="<html>"), "there")) as (llm, _):
        assert (await llm.sample(HELLO, ask())).text == "there"
    assert 0.5 <= waits[0] <= 1.0 <= waits[1] <= 2.0


@pytest.mark.parametrize("said", ["7", "Sun, 09 Sep 2001 01:46:47 GMT"])
async def test_it_waits_as_long_as_the_endpoint_asks(opened: Any, waits: Any, said: str) -> None:
    async with opened(in_turn(Failure(status=429, headers={"retry-after": said}), "there")) as (llm, _):
        await llm.sample(HELLO, ask())
    assert waits == [7.0]


async def test_it_does_not_wait_beyond_the_budget(opened: Any, waits: Any) -> None:
    async with opened(in_turn(Failure(status=429, headers={"retry-after": "500"}))) as (llm, endpoint):
        with pytest.raises(LlmUnavailable, match=r"'scripted' at http://127.*answered 429"):
            await llm.sample(HELLO, ask())
    assert waits == []
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    "failure", [Failure(cut=2), Failure(status=500), Failure(body="{}"), Failure(body='{"choices": []}')]
)
async def test_an_answer_of_no_use_is_asked_for_again_and_then_told_of(opened: Any, failure: Failure) -> None:
    told: list[str] = []
    on_text = told.append if failure.cut else None
    async with opened(in_turn(failure), attempts=3) as (llm, endpoint):
        with pytest.raises(LlmUnavailable, match="gave no usable answer"):
            await llm.sample(HELLO, ask(), on_text=on_text)
    assert len(endpoint.requests) == 3
    assert told == (["piece ", "piece "] if failure.cut else [])


async def test_an_error_within_a_stream_is_an_error(opened: Any) -> None:
    broken = 'data: {"error": {"code": 400, "message": "no such thing"}}\n\n'
    async with opened(in_turn(Failure(body=broken))) as (llm, _):
        with pytest.raises(LlmRefused, match="no such thing"):
            await llm.sample(HELLO, ask(), on_text=lambda _: None)


async def test_a_refusal_is_told_at_once_and_the_key_is_in_no_message(
    opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "hush-hush")
    async with opened(in_turn(Failure(status=401, body="no such key: hush-hush")), key_variable="MY_KEY") as (llm, end):
        with pytest.raises(LlmRefused, match=r"refused: 401 no such key: \*\*\*"):
            await llm.sample(HELLO, ask())
    assert end.keys == ["Bearer hush-hush"]


async def test_a_prompt_that_does_not_fit_is_told_apart_from_an_endpoint_that_is_busy(opened: Any) -> None:
    too_long = "This model's maximum context length is 4096 tokens"
    async with opened(in_turn(Failure(status=400, body=too_long))) as (llm, _):
        with pytest.raises(LlmRefused, match="the prompt is too long for"):
            await llm.sample(HELLO, ask(shape=CITY))
    async with opened(in_turn(Failure(status=429, body="rate of tokens: context window"), "there")) as (llm, _):
        assert (await llm.sample(HELLO, ask())).text == "there"


async def test_cancelling_ends_the_request(opened: Any) -> None:
    async with opened(in_turn("word " * 200_000)) as (llm, endpoint):
        task = asyncio.create_task(llm.sample(HELLO, ask(), on_text=lambda _: None))
        assert await asyncio.to_thread(endpoint.listening.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(endpoint.cancelled.wait, 20)


async def test_the_limit_is_called_what_the_endpoint_calls_it(opened: Any) -> None:
    def script(body: Body) -> str | Failure:
        said = "Unsupported parameter: use 'max_completion_tokens' instead"
        return Failure(status=400, body=said) if "max_tokens" in body else "there"

    async with opened(script) as (llm, endpoint):
        await llm.sample(HELLO, ask())
        await llm.sample(HELLO, ask(max_tokens=5))
    assert [request.get("max_completion_tokens") for request in endpoint.requests] == [None, 1024, 5]


async def test_further_fields_of_the_settings_stand_in_each_request(opened: Any) -> None:
    async with opened(in_turn("ok"), extra={"chat_template_kwargs": {"enable_thinking": False}}) as (llm, endpoint):
        await llm.sample(HELLO, ask())
    assert endpoint.requests[0]["chat_template_kwargs"] == {"enable_thinking": False}
