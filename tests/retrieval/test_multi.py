from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.clauses import clauses
from retrieval.hit import Hit
from retrieval.index import ToolIndex, open_index
from retrieval.multi import combine, merge, search_many, search_steps
from retrieval.testing import HashEmbedder
from retrieval.tool import ToolSpec


def hits(*pairs: tuple[str, float]) -> list[Hit]:
    return [Hit(id=id_, kind="tool", score=score) for id_, score in pairs]


def ids(found: Sequence[Hit]) -> list[str]:
    return [hit.id for hit in found]


@pytest.fixture
def index(tmp_path: Path) -> ToolIndex:
    made = open_index(tmp_path / "index", HashEmbedder())
    texts = {
        "convert_currency": "convert an amount of money into another currency",
        "exchange_rate": "rate of a currency against another currency on a day",
        "send_mail": "send an electronic mail to somebody",
        "book_hotel": "book a room in a hotel",
        "get_weather": "weather forecast for a city",
    }
    made.apply([ToolSpec(server="s", name=name, description=text) for name, text in texts.items()], generation=1)
    return made


def test_every_query_gets_its_share_of_the_places(index: ToolIndex) -> None:
    found = search_many(index.search, ["currency rate on a day", "send a mail", "book a hotel room"], 3)
    assert set(ids(found)) == {"s/exchange_rate", "s/send_mail", "s/book_hotel"}


def test_one_short_query_is_searched_as_it_stands_and_so_is_a_repeated_one(index: ToolIndex) -> None:
    alone = index.search("send a mail", 3)
    assert search_many(index.search, ["send a mail"], 3) == alone
    assert search_many(index.search, ["send a mail", "send a mail", " "], 3) == alone


def test_no_query_finds_nothing(index: ToolIndex) -> None:
    assert search_many(index.search, [], 3) == []
    assert search_many(index.search, ["", " "], 3) == []


def test_what_several_queries_find_stands_once_with_its_best_score() -> None:
    merged = merge([hits(("s/a", 0.9), ("s/b", 0.8)), hits(("s/b", 0.95), ("s/c", 0.1))], 10)
    assert [(hit.id, hit.score) for hit in merged] == [("s/b", 0.95), ("s/a", 0.9), ("s/c", 0.1)]


def test_a_query_with_weak_hits_keeps_its_place() -> None:
    strong = hits(("s/a", 0.9), ("s/b", 0.8), ("s/c", 0.7))
    assert ids(merge([strong, hits(("s/z", 0.1))], 2)) == ["s/a", "s/z"]


def test_the_best_of_each_clause_is_among_the_hits_of_a_long_request(index: ToolIndex) -> None:
    request = "Tell me the currency rate on a day. Send it by mail to Ann, and then book a hotel room."
    assert set(ids(search_steps(index.search, request, 3))) == {"s/exchange_rate", "s/send_mail", "s/book_hotel"}


def test_a_long_request_given_as_the_only_query_is_cut_too(index: ToolIndex) -> None:
    request = "Tell me the currency rate on a day. Send it by mail to Ann, and then book a hotel room."
    assert search_many(index.search, [request], 3) == search_steps(index.search, request, 3)
    assert search_many(index.search, request, 3) == search_steps(index.search, request, 3)


@pytest.mark.parametrize(
    "request_", ["What is the weather forecast? I am in a city.", "This is a line of a long text.\n" * 9]
)
def test_a_short_request_and_a_pasted_text_are_searched_as_they_stand(index: ToolIndex, request_: str) -> None:
    assert search_steps(index.search, request_, 3) == index.search(request_, 3)


def test_a_place_that_is_reserved_pushes_out_the_weakest_of_the_others() -> None:
    whole = hits(("s/a", 0.9), ("s/b", 0.8), ("s/c", 0.7))
    found = combine(whole, [hits(("s/a", 0.9)), hits(("s/z", 0.2))], 2)
    assert [(hit.id, hit.score) for hit in found] == [("s/a", 0.9), ("s/z", 0.1)]


@pytest.mark.parametrize(
    ("request_", "steps"),
    [
        ("Convert 3 miles to feet.", ["Convert 3 miles to feet"]),
        ("Read the file; translate it into French", ["Read the file", "translate it into French"]),
        ("1. find the user 2. send him a mail", ["find the user", "send him a mail"]),
        ("- find the user\n- send him a mail", ["find the user", "send him a mail"]),
        ("Find the user and then send him a mail", ["Find the user", "send him a mail"]),
        ("List the users and delete the oldest one", ["List the users", "delete the oldest one"]),
        ("Compare apples and pears of Italy", ["Compare apples and pears of Italy"]),
        ("Pay 3.5 dollars to example.com at once", ["Pay 3.5 dollars to example.com at once"]),
        ("查询北京的天气。预订一家酒店", ["查询北京的天气", "预订一家酒店"]),
        ("Hello there. Get the weather in Rome. Thanks!", ["Get the weather in Rome"]),
        ("", []),
    ],
)
def test_a_request_is_cut_where_a_step_ends(request_: str, steps: list[str]) -> None:
    assert clauses(request_) == steps


LISTS = st.lists(
    st.lists(
        st.tuples(st.sampled_from([f"s/{letter}" for letter in "abcdefgh"]), st.floats(0, 1)),
        max_size=6,
        unique_by=lambda pair: pair[0],
    ),
    max_size=4,
)


@given(LISTS, st.integers(1, 10))
def test_a_merged_list_has_no_repeats_nothing_new_and_is_as_long_as_it_can_be(
    lists: list[list[tuple[str, float]]], k: int
) -> None:
    found = [hits(*sorted(pairs, key=lambda pair: -pair[1])) for pairs in lists]
    there = {hit.id for part in found for hit in part}
    for merged in (merge(found, k), combine(found[0] if found else [], found[1:], k)):
        assert len(set(ids(merged))) == len(merged) == min(k, len(there))
        assert set(ids(merged)) <= there


@given(LISTS, st.integers(1, 10))
def test_the_first_of_each_list_is_kept_while_there_are_places(lists: list[list[tuple[str, float]]], k: int) -> None:
    found = [part for pairs in lists if (part := hits(*sorted(pairs, key=lambda pair: -pair[1])))]
    firsts = {part[0].id for part in found}
    if len(firsts) <= k:
        assert firsts <= set(ids(merge(found, k)))
        assert firsts <= set(ids(combine([], found, k)))
