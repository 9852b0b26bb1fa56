"""The stress grid, small, over a real strategy."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from retrieval.bench.grid import COUNTS, LOOKED_AT, POSITIONS, Opener, drawn, labelled_grid, position_grid
from retrieval.bench.grid_report import PAPER, moved_cells, over_columns, plain, report
from retrieval.bench.plots import draw_grid
from retrieval.bench.server_cards import ServerQuery, read_cards, read_catalogue, read_server_queries
from retrieval.bench.stress import labelled_servers_grid, web_search_grid
from retrieval.bench.web_search import is_web_search, web_search_tasks
from retrieval.card import ServerCard
from retrieval.errors import LabelledDataWrong
from retrieval.strategies.opened import open_strategy
from retrieval.strategies.strategy import Strategy
from retrieval.testing import HashEmbedder

KEY = ServerCard(name="finder", description="Search the web")
OTHERS = [ServerCard(name=f"other{number}", description=f"Does thing {number}") for number in range(30)]
QUERIES = [ServerQuery(query_id=f"q{n}", text=f"please do thing {n}", server=f"other{n}") for n in range(25)]


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    def over(cards: Sequence[ServerCard]) -> Strategy:
        return open_strategy("bm25", (), cards=cards, embedder=HashEmbedder(), folder=tmp_path)

    return over


def test_the_axes_are_the_papers_and_11111() -> None:
    assert tuple(PAPER) == COUNTS[:-1]
    assert COUNTS[-1] == 11_111
    assert POSITIONS == (0, 10, 20, 30, 40, 50, 60, 70, 80, 90)


def test_the_key_server_stands_at_every_position_among_n() -> None:
    asked: list[list[str]] = []

    def over(cards: Sequence[ServerCard]) -> Strategy:
        asked.append([card.name for card in cards])
        return open_strategy("bm25", (), cards=cards, embedder=HashEmbedder(), folder=Path("unused"))

    position_grid(over, KEY, OTHERS, ["search"], (1, 11))
    assert [names.index("finder") for names in asked[1::2]] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert {len(names) for names in asked} == {1, 11}
    assert len({frozenset(names) for names in asked[1::2]}) == 1, "a column differs in the order alone"


def test_a_grid_keeps_ranks_and_who_came_first(opened: Opener) -> None:
    grid = position_grid(opened, KEY, OTHERS, ["search the web", "thing 3", "nothing alike"], (1, 11))
    assert grid.ranks.shape == (10, 2, 3)
    assert (grid.ranks[:, :, 0] == 1).all()
    assert (grid.ranks[:, :, 1:] == 0).all()
    assert (grid.first[:, 1, 1] == "other3").all()
    assert (grid.first[:, :, 2] == "").all()
    assert moved_cells(grid) == 0


def test_every_labelled_query_is_asked_once_in_each_cell_however_small_its_haystack(opened: Opener) -> None:
    draws = [drawn(QUERIES, OTHERS, 7, seed=seed) for seed in (1, 2)]
    grid = labelled_grid(opened, draws, (1, 3, 30))
    assert grid.ranks.shape == (2, 3, 7)
    assert (grid.ranks == 1).all()
    assert {query.server for query in draws[0].queries} != {query.server for query in draws[1].queries}


def test_a_draw_has_every_server_once(opened: Opener) -> None:
    twice = [*QUERIES, *QUERIES]
    draw = drawn(twice, OTHERS, 50, seed=3)
    assert len({query.server for query in draw.queries}) == len(draw.queries) == 25


def test_the_web_search_grid_reports_beside_the_paper(opened: Opener, tmp_path: Path) -> None:
    figures = web_search_grid(opened, [KEY, *OTHERS], "finder", (1, 6, 11_111), seed=1)
    assert figures.grid.counts == (1, 6), "11,111 servers are not there"
    text = report([figures], ["2 cores"], plots=True)
    assert "7 of 10" in text
    assert "a web-search server first" in text
    assert "stress_web_search.png" in text
    draw_grid(figures, tmp_path / "grid.png")
    assert (tmp_path / "grid.png").read_bytes().startswith(b"\x89PNG")


def test_the_labelled_grid_counts_its_own_server_only(opened: Opener) -> None:
    figures = labelled_servers_grid(opened, OTHERS, QUERIES, (1, 21), seed=1)
    assert figures.grid.ranks.shape == (10, 2, 20)
    assert over_columns(figures, figures.series[0], [0, 1]).mean == 1
    assert np.array(plain(figures)["ranks"]).shape == (10, 2, 20)


def test_an_unknown_key_server_is_named(opened: Opener) -> None:
    with pytest.raises(LabelledDataWrong, match="'nobody' is not among the 31 cards"):
        web_search_grid(opened, [KEY, *OTHERS], "nobody", (1,), seed=1)


def test_there_are_20_web_search_tasks_half_of_each_form() -> None:
    tasks = web_search_tasks()
    assert len({task.text for task in tasks}) == 20
    assert sum(task.form == "request" for task in tasks) == 10
    assert LOOKED_AT >= 10


@pytest.mark.parametrize(
    ("name", "description", "searches"),
    [
        ("mcp-brave-search", "Local results", True),
        ("x", "MCP server for websearch", True),
        ("x", "Lets agents search the web", True),
        ("x", "Search the documentation", False),
        ("research-tools", "Deep thinking", False),
    ],
)
def test_the_rule_for_web_search_servers(name: str, description: str, searches: bool) -> None:
    assert is_web_search(ServerCard(name=name, description=description)) is searches


def test_cards_catalogue_and_labels_are_read(tmp_path: Path) -> None:
    (tmp_path / "cards.jsonl").write_text('{"name": "a", "summary": "does a"}\n{"name": "a", "summary": "again"}\n')
    (tmp_path / "catalogue.jsonl").write_text('{"server": "me/b", "title": "B", "overview": null}\n')
    (tmp_path / "queries.jsonl").write_text(
        '{"query_id": "1", "query": "do b", "relevant_servers": ["me/b"]}\n'
        '{"query_id": "2", "query": "do c", "relevant_servers": ["me/c"]}\n'
    )
    assert read_cards(tmp_path / "cards.jsonl") == [ServerCard(name="a", description="does a")]
    catalogue = read_catalogue(tmp_path / "catalogue.jsonl")
    assert catalogue == [ServerCard(name="me.b", title="B")]
    assert [query.server for query in read_server_queries(tmp_path / "queries.jsonl", catalogue)] == ["me.b"]
