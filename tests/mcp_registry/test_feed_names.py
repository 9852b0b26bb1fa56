"""Server names are always allowed and never twice the same; variables are always names that a shell can export."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_registry.feeds.name import Names, as_variable
from mcp_registry.server import check_server_name


@settings(deadline=None)
@given(st.lists(st.text(max_size=250) | st.sampled_from(["a/b", "a b", "a-b", "a-b-2", "", "/"])))
def test_any_texts_get_different_allowed_names(texts):
    names = Names()
    taken = [names.take(text) for text in texts]
    assert len(set(taken)) == len(taken)
    for name in taken:
        check_server_name(name)


def test_the_first_keeps_the_name_and_the_next_gets_a_number():
    names = Names()
    assert [names.take(text) for text in ("acme/time", "acme time", "acme-time")] == [
        "acme-time",
        "acme-time-2",
        "acme-time-3",
    ]


def test_the_longest_names_stay_apart():
    names = Names()
    assert names.take("x" * 300) != names.take("x" * 400)


@settings(deadline=None)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=3))
def test_any_texts_make_a_variable_that_can_be_exported(texts):
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", as_variable(*texts))


def test_variables_read_like_what_they_come_from():
    assert as_variable("SLACK_BOT_TOKEN") == "SLACK_BOT_TOKEN"
    assert as_variable("302AI_API_KEY") == "_302AI_API_KEY"
    assert as_variable("slack bot", "Authorization") == "SLACK_BOT_AUTHORIZATION"
    assert as_variable("exa", "apiKey") == "EXA_API_KEY"
