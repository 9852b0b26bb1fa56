"""What every `Strategy` promises, over every one that needs nothing that is not installed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from retrieval.card import ServerCard
from retrieval.errors import ChatUnavailable, ModelMissing
from retrieval.strategies.opened import STRATEGIES, open_strategy
from retrieval.strategies.reranked import reranked
from retrieval.strategies.strategy import Collection, Strategy
from retrieval.testing import HashEmbedder, WordReranker
from retrieval.tool import ToolSpec

NEEDS_MORE = {"rerank_cross", "rerank_llm"}
CARDS = [ServerCard(name="notion-mcp", description="Create and query Notion pages.", tags=("notes",))]


def tool(server: str, name: str, description: str, *parameters: str) -> ToolSpec:
    schema = {"type": "object", "properties": {parameter: {"type": "string"} for parameter in parameters}}
    return ToolSpec(server=server, name=name, description=description, input_schema=schema)


TOOLS = [
    tool("git", "git_log", "Shows the commit logs of a repository", "repo_path", "max_count"),
    tool("git", "git_diff", "Shows what changed between two branches", "repo_path", "target"),
    tool("weather", "get_forecast", "Get the weather forecast for a place", "latitude", "longitude"),
    tool("weather", "get_alerts", "Get weather alerts for a state", "state"),
    tool("mail", "send_email", "Sends an email to someone", "recipient", "subject", "body"),
    tool("calendar", "create_event", "Creates an event in the calendar", "title", "start"),
    tool("天气", "查询天气", "查询一个城市的天气", "城市"),
]
IDS = {tool.tool_id for tool in TOOLS} | {card.name for card in CARDS} | {tool.server for tool in TOOLS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vectors")


@pytest.fixture(scope="module", params=[*sorted(STRATEGIES.keys() - NEEDS_MORE), "reranked"])
def strategy(request: pytest.FixtureRequest, folder: Path) -> Strategy:
    if request.param == "reranked":
        collection = Collection(tools=TOOLS, cards=CARDS, embedder=HashEmbedder(256), folder=folder)
        return reranked("reranked", collection, WordReranker)
    return open_strategy(request.param, TOOLS, cards=CARDS, embedder=HashEmbedder(256), folder=folder)


def test_what_fits_best_comes_first(strategy: Strategy) -> None:
    best = strategy.search("the weather forecast for a place", 3)[0].id
    assert best.split("/")[0] == "weather"
    if strategy.name != "tool_to_agent_servers":
        assert best == "weather/get_forecast"


def test_a_server_known_by_its_card_is_found(strategy: Strategy) -> None:
    found = strategy.search("create and query Notion pages", 3)
    assert found[0].id == "notion-mcp"
    assert found[0].kind == "server"


def test_no_more_than_k_are_found_and_none_twice(strategy: Strategy) -> None:
    for k in (1, 2, 5, 50):
        ids = [hit.id for hit in strategy.search("show the weather or the commit logs of a city", k)]
        assert len(ids) <= k
        assert len(ids) == len(set(ids))
        assert set(ids) <= IDS


def test_scores_lie_from_0_up_and_never_rise(strategy: Strategy) -> None:
    scores = [hit.score for hit in strategy.search("send an email about the event", 20)]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0


def test_fewer_are_the_first_of_more(strategy: Strategy) -> None:
    more = [hit.id for hit in strategy.search("weather alerts for a state", 5)]
    assert [hit.id for hit in strategy.search("weather alerts for a state", 2)] == more[:2]


def test_the_same_query_gives_the_same_answer_from_any_thread(strategy: Strategy) -> None:
    once = strategy.search("list the commit logs", 5)
    with ThreadPoolExecutor(4) as pool:
        assert all(found == once for found in pool.map(lambda _: strategy.search("list the commit logs", 5), range(8)))


@pytest.mark.parametrize("query", ["", " ", "\0", "天气", "?", "x" * 5000], ids=lambda query: ascii(query[:8]))
def test_odd_queries_are_answered(strategy: Strategy, query: str) -> None:
    assert len(strategy.search(query, 3)) <= 3


def test_nothing_is_found_when_nothing_is_asked_for(strategy: Strategy) -> None:
    assert strategy.search("weather", 0) == []


@pytest.mark.parametrize("name", sorted(STRATEGIES.keys() - NEEDS_MORE))
def test_nothing_is_found_among_nothing(name: str, tmp_path: Path) -> None:
    opened = open_strategy(name, [], embedder=HashEmbedder(), folder=tmp_path)
    assert opened.name == name
    assert opened.search("weather", 5) == []


@pytest.mark.parametrize("name", sorted(STRATEGIES.keys() - NEEDS_MORE))
def test_cards_alone_are_enough(name: str, tmp_path: Path) -> None:
    opened = open_strategy(name, [], cards=CARDS, embedder=HashEmbedder(), folder=tmp_path)
    assert [hit.id for hit in opened.search("create Notion pages", 5)] == ["notion-mcp"]


@pytest.mark.parametrize("name", sorted(STRATEGIES.keys() - NEEDS_MORE - {"bm25", "bm25f"}))
def test_what_looks_at_meaning_finds_as_many_as_there_are(name: str, tmp_path: Path) -> None:
    found = open_strategy(name, TOOLS, embedder=HashEmbedder(), folder=tmp_path).search("weather", len(TOOLS))
    there = len({tool.server for tool in TOOLS}) if name == "tool_to_agent_servers" else len(TOOLS)
    assert len(found) == there


def test_an_unknown_name_is_answered_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no strategy 'best'; there are bm25, .*hybrid"):
        open_strategy("best", TOOLS, embedder=HashEmbedder(), folder=tmp_path)


def test_every_strategy_says_in_one_line_what_it_is() -> None:
    assert all(len(line) > 20 and line.endswith(".") for line in STRATEGIES.values())


def test_a_strategy_that_lacks_its_model_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUARTERMASTER_LLM_URL", raising=False)
    with pytest.raises(ChatUnavailable, match="QUARTERMASTER_LLM_URL"):
        open_strategy("rerank_llm", TOOLS, embedder=HashEmbedder(), folder=tmp_path)


def test_a_strategy_that_lacks_its_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sentence_transformers", None)
    with pytest.raises(ModelMissing, match=r"quartermaster\[sentence-transformers\]"):
        open_strategy("rerank_cross", TOOLS, embedder=HashEmbedder(), folder=tmp_path)
