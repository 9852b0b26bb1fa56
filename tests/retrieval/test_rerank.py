"""Hits in a reranker's order."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from retrieval.chat import Chat, ChatEndpoint
from retrieval.errors import ChatUnavailable
from retrieval.hit import Hit
from retrieval.rerank import rerank
from retrieval.rerankers import LlmReranker
from retrieval.testing import Reply, WordReranker, scripted_llm

HITS = [
    Hit(id="git/git_log", kind="tool", score=0.9, signals={"dense": 0.5}),
    Hit(id="mail/send", kind="tool", score=0.8),
    Hit(id="weather/forecast", kind="tool", score=0.7),
    Hit(id="notion", kind="server", score=0.6),
]
PASSAGES = {
    "git/git_log": "shows commit logs",
    "mail/send": "send an email",
    "weather/forecast": "the weather tomorrow",
    "notion": "notes and pages",
}


def ids(hits: list[Hit]) -> list[str]:
    return [hit.id for hit in hits]


def scored(answer: Callable[[dict[str, Any]], Reply | str]) -> tuple[np.ndarray, dict[str, Any]]:
    with scripted_llm(answer) as llm:
        reranker = LlmReranker(Chat(ChatEndpoint(base_url=llm.base_url, model="tiny", attempts=1)))
        return reranker.score("weather", ["one", "two", "three", "four"]), llm.requests[0]


def test_what_fits_better_comes_first_and_says_where_it_was() -> None:
    found = rerank(HITS, "the weather tomorrow", PASSAGES, WordReranker())
    assert found[0].id == "weather/forecast"
    assert found[0].score == 1
    assert found[0].signals == {"first_stage": 0.7, "rerank": 1.0}
    assert sorted(ids(found)) == sorted(ids(HITS))


def test_what_scores_alike_keeps_its_order() -> None:
    assert ids(rerank(HITS, "zebra", PASSAGES, WordReranker())) == ids(HITS)


def test_below_the_depth_the_order_stays_and_scores_never_rise() -> None:
    found = rerank(HITS, "an email about the weather", PASSAGES, WordReranker(), depth=2)
    assert ids(found) == ["mail/send", "git/git_log", "weather/forecast", "notion"]
    scores = [hit.score for hit in found]
    assert scores == sorted(scores, reverse=True)


def test_a_hit_without_a_passage_is_scored_by_its_id() -> None:
    assert rerank(HITS, "notion", {}, WordReranker())[0].id == "notion"


@pytest.mark.parametrize("depth", [0, 10])
def test_no_hits_or_no_depth_change_nothing(depth: int) -> None:
    assert rerank([], "x", PASSAGES, WordReranker(), depth=depth) == []
    assert ids(rerank(HITS, "zebra", PASSAGES, WordReranker(), depth=depth)) == ids(HITS)


def test_a_language_model_orders_the_list_and_what_it_leaves_out_follows() -> None:
    scores, asked = scored(lambda _: json.dumps({"order": [3, 1]}))
    np.testing.assert_allclose(scores, [0.75, 0.5, 1, 0.25])
    assert "3. three" in asked["messages"][1]["content"]
    assert asked["response_format"]["json_schema"]["schema"]["properties"]["order"]["items"]["maximum"] == 4


@pytest.mark.parametrize(
    "said", ['{"order": "two"}', '{"best": 2}', "[]", "7", '{"order": [0, 9, true, null, "2", 1.5]}', '{"order": null}']
)
def test_an_order_of_no_sense_keeps_the_first_stage(said: str) -> None:
    scores, _ = scored(lambda _: said)
    np.testing.assert_allclose(scores, [1, 0.75, 0.5, 0.25])


def test_an_answer_without_any_json_keeps_the_first_stage() -> None:
    scores, _ = scored(lambda _: "I would take the second one.")
    np.testing.assert_allclose(scores, [1, 0.75, 0.5, 0.25])


def test_an_endpoint_that_does_not_answer_is_told_of() -> None:
    with pytest.raises(ChatUnavailable, match="answered 500"):
        scored(lambda _: Reply(status=500))
