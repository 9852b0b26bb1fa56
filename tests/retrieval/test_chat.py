"""The chat client, against an endpoint that runs."""

import json
from typing import Any

import pytest

from retrieval.chat import Chat, ChatEndpoint, endpoint_from_environment
from retrieval.errors import ChatUnavailable
from retrieval.testing import Reply, ScriptedLlm, scripted_llm

SCHEMA = {"type": "object", "properties": {"order": {"type": "array"}}}


class Clock:
    """A clock that only moves when someone waits."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def now(self) -> float:
        return sum(self.waits)


def chat(llm: ScriptedLlm, clock: Clock | None = None, **settings: Any) -> Chat:
    clock = clock or Clock()
    return Chat(ChatEndpoint(base_url=llm.base_url, model="tiny", **settings), sleep=clock.sleep, now=clock.now)


def in_turn(*replies: Reply | str) -> Any:
    waiting = list(replies)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


def test_it_asks_for_the_schema_and_gives_back_the_json() -> None:
    with scripted_llm(in_turn('{"order": [2, 1]}')) as llm:
        assert chat(llm).ask("be brief", "order these", SCHEMA) == {"order": [2, 1]}
    asked = llm.requests[0]
    assert asked["model"] == "tiny"
    assert [message["content"] for message in asked["messages"]] == ["be brief", "order these"]
    assert asked["response_format"]["json_schema"]["schema"] == SCHEMA


def test_the_key_comes_from_the_environment_and_none_is_sent_without(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted_llm(in_turn("{}")) as llm:
        monkeypatch.delenv("MY_KEY", raising=False)
        chat(llm, key_variable="MY_KEY").ask("", "", SCHEMA)
        monkeypatch.setenv("MY_KEY", "hush")
        chat(llm, key_variable="MY_KEY").ask("", "", SCHEMA)
    assert [headers.get("authorization") for headers in llm.headers] == [None, "Bearer hush"]


@pytest.mark.parametrize("said", ['Sure!\n```json\n{"a": 1}\n```', '{"a": 1} I hope that helps', 'x {not} {"a": 1}'])
def test_json_is_found_among_words(said: str) -> None:
    with scripted_llm(in_turn(said)) as llm:
        assert chat(llm).ask("", "", SCHEMA) == {"a": 1}


def test_an_endpoint_that_knows_no_schemas_is_told_in_words_from_then_on() -> None:
    def answer(body: dict[str, Any]) -> Reply | str:
        return Reply(status=400, body="what is response_format?") if "response_format" in body else "{}"

    with scripted_llm(answer) as llm:
        asking = chat(llm)
        assert asking.ask("s", "u", SCHEMA) == {}
        assert asking.ask("s", "u", SCHEMA) == {}
    assert ["response_format" in request for request in llm.requests] == [True, False, False]
    assert json.dumps(SCHEMA) in llm.requests[-1]["messages"][0]["content"]


def test_what_passes_is_tried_again_after_a_growing_wait() -> None:
    clock = Clock()
    with scripted_llm(in_turn(Reply(status=503), Reply(status=500), "{}")) as llm:
        assert chat(llm, clock).ask("", "", SCHEMA) == {}
    assert clock.waits == [0.5, 1.0]


def test_it_waits_as_long_as_the_endpoint_asks() -> None:
    clock = Clock()
    with scripted_llm(in_turn(Reply(status=429, headers={"retry-after": "7"}), "{}")) as llm:
        chat(llm, clock).ask("", "", SCHEMA)
    assert clock.waits == [7]


def test_it_does_not_wait_beyond_the_budget() -> None:
    clock = Clock()
    with (
        scripted_llm(in_turn(Reply(status=429, headers={"retry-after": "500"}))) as llm,
        pytest.raises(ChatUnavailable, match="answered 429"),
    ):
        chat(llm, clock).ask("", "", SCHEMA)
    assert clock.waits == []


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (Reply(content="I cannot"), "no JSON"),
        (Reply(body="<html>"), "no chat completion"),
        (Reply(body='{"choices": []}'), "no chat completion"),
        (Reply(body='{"choices": [{"message": {"content": null}}]}'), "no content"),
        (Reply(status=500), "answered 500"),
    ],
)
def test_an_answer_of_no_use_is_asked_for_again_and_then_told_of(reply: Reply, problem: str) -> None:
    with scripted_llm(in_turn(reply)) as llm, pytest.raises(ChatUnavailable, match=f"'tiny' at .*{problem}"):
        chat(llm).ask("", "", SCHEMA)
    assert len(llm.requests) == 3


def test_a_refusal_is_told_at_once() -> None:
    with (
        scripted_llm(in_turn(Reply(status=401, body="no such key"))) as llm,
        pytest.raises(ChatUnavailable, match="refused: 401 no such key"),
    ):
        chat(llm).ask("", "", SCHEMA)
    assert len(llm.requests) == 1


def test_nobody_at_home_is_told_with_the_address() -> None:
    with scripted_llm(in_turn("{}")) as llm:
        pass
    with pytest.raises(ChatUnavailable, match=r"127\.0\.0\.1"):
        chat(llm).ask("", "", SCHEMA)


def test_the_endpoint_comes_from_the_environment() -> None:
    given = {"QUARTERMASTER_LLM_URL": "http://localhost/v1", "QUARTERMASTER_LLM_MODEL": "tiny"}
    assert endpoint_from_environment(given) == ChatEndpoint(base_url="http://localhost/v1", model="tiny")
    with pytest.raises(ChatUnavailable, match="set QUARTERMASTER_LLM_MODEL to"):
        endpoint_from_environment({"QUARTERMASTER_LLM_URL": "http://localhost/v1"})
