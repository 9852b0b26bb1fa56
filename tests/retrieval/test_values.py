"""Paths and addresses in a query."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.values import without_values


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("Read ./test/src/main.py", "Read py"),
        ("Summarise https://www.youtube.com/watch?v=x please", "Summarise youtube please"),
        ("clone https://github.com/owner/repo", "clone github"),
        ("Mail ada.lovelace@example.org", "Mail"),
        ("What is in /root/excel/people.xlsx?", "What is in xlsx ?"),
        ("open C:\\Users\\ada\\notes.txt", "open txt"),
        ("list ~/Downloads", "list"),
        ("and/or, TCP/IP and 24/7 stay", "and/or, TCP/IP and 24/7 stay"),
        ("@mention somebody", "@mention somebody"),
    ],
)
def test_values_are_cut_down_to_what_speaks_of_a_tool(query: str, left: str) -> None:
    assert " ".join(without_values(query).split()) == left


@pytest.mark.parametrize("query", ["/etc/hosts", "https://", "ada@example.org", ""])
def test_a_query_that_is_a_value_is_never_cut_down_to_nothing(query: str) -> None:
    assert without_values(query).strip() or not query


@given(st.text(max_size=80))
def test_any_text_gives_a_text_and_only_signs_of_values_are_touched(query: str) -> None:
    cut = without_values(query)
    assert bool(cut.strip()) == bool(query.strip())
    if not any(sign in query for sign in "/\\@") and "www." not in query:
        assert cut == query
