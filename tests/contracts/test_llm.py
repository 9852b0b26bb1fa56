"""What every LLM does, whether it is an endpoint, a script, or a strategy around one of them."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.compute import Routed, strategy_of
from agent.endpoint import LlmSettings, open_llm
from agent.endpoint.testing import Abilities, Body, scripted_endpoint
from agent.llm import LLM, Ask, Choice, JsonShape, Option, Purpose
from agent.message import Message, user
from agent.options import Options
from agent.testing import ScriptedLLM

MESSAGES = [user("Is the sky blue?")]
YES_OR_NO = Choice(options=(Option(label="yes", text="It is."), Option(label="no", text="It is not.")))
SKY = JsonShape(schema={"type": "object", "properties": {"blue": {"type": "boolean"}}, "required": ["blue"]})
KINDS = [
    "endpoint that can all",
    "endpoint that can nothing",
    "script",
    "routed",
    "best-of-n",
    "self-consistency",
    "anytime",
]


def said(shape: Any) -> str:
    return {"Choice": "yes", "JsonShape": '{"blue": true}'}.get(type(shape).__name__, "Yes, it is.")


def by_script(messages: Any, ask: Ask) -> list[str]:
    return [said(ask.shape)] * ask.n


def over_http(body: Body) -> str:
    asked = json.dumps(body)
    return said(YES_OR_NO if "labels" in asked else SKY if "JSON of this schema" in asked else None)


@asynccontextmanager
async def open_kind(kind: str, folder: Path) -> AsyncGenerator[LLM]:
    match kind:
        case "script":
            yield ScriptedLLM(by_script)
        case "routed":
            yield Routed(ScriptedLLM(by_script), ScriptedLLM(by_script))
        case "endpoint that can all" | "endpoint that can nothing":
            able = Abilities(shapes=("structured_outputs",), samples=True)
            unable = Abilities(shapes=(), samples=False, logprobs=False, tool_calls=False, usage=False)
            with scripted_endpoint(over_http, able if kind.endswith("all") else unable) as endpoint:
                settings = LlmSettings(url=endpoint.base_url)
                async with open_llm(settings, profile_file=folder / "profiles.json") as llm:
                    yield llm
        case _:
            yield strategy_of(msgspec.convert({"compute": kind}, Options))(ScriptedLLM(by_script))


@pytest.fixture(params=KINDS)
async def llm(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[LLM]:
    async with open_kind(request.param, tmp_path) as opened:
        yield opened


async def test_it_has_a_name_and_a_profile(llm: LLM) -> None:
    assert llm.id
    assert llm.profile.context_tokens > 0


@pytest.mark.parametrize("purpose", list(Purpose))
async def test_it_answers_whatever_the_purpose_and_says_what_it_took(llm: LLM, purpose: Purpose) -> None:
    answer = await llm.sample(MESSAGES, Ask(purpose=purpose))
    assert len(answer.completions) == 1
    assert answer.text == "Yes, it is."
    assert answer.completions[0].message.role == "assistant"
    assert answer.usage.calls >= 1
    assert answer.usage.encoded > 0
    assert answer.usage.decoded > 0
    assert answer.model


async def test_it_gives_as_many_samples_as_are_asked_for(llm: LLM) -> None:
    answer = await llm.sample(MESSAGES, Ask(purpose=Purpose.PLAN, n=3, temperature=1.0))
    assert [completion.text for completion in answer.completions] == ["Yes, it is."] * 3


@pytest.mark.parametrize("purpose", [Purpose.DECIDE, Purpose.JUDGE])
async def test_a_choice_is_one_label(llm: LLM, purpose: Purpose) -> None:
    assert (await llm.sample(MESSAGES, Ask(purpose=purpose, shape=YES_OR_NO))).text in {"yes", "no"}


@pytest.mark.parametrize("purpose", [Purpose.ACT, Purpose.REVISE])
async def test_json_fits_its_schema(llm: LLM, purpose: Purpose) -> None:
    value = json.loads((await llm.sample(MESSAGES, Ask(purpose=purpose, shape=SKY))).text)
    assert isinstance(value["blue"], bool)


async def test_the_text_of_the_answer_is_told(llm: LLM) -> None:
    told: list[str] = []
    answer = await llm.sample(MESSAGES, Ask(purpose=Purpose.ANSWER), on_text=told.append)
    assert "".join(told) == answer.text


async def test_the_same_question_gives_the_same_answer_again(llm: LLM) -> None:
    ask = Ask(purpose=Purpose.ACT, seed=1)
    conversation: list[Message] = [*MESSAGES, Message(role="assistant", content="Which one?"), user("Ours.")]
    first, second = await llm.sample(conversation, ask), await llm.sample(conversation, ask)
    assert first.text == second.text
    assert second.usage.cached <= second.usage.encoded
