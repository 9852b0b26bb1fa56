"""Column types: what goes in comes out, and what is stored can be stored anywhere."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from mcp_registry.columns import AnyText, UtcTime

DIALECTS = [sqlite.dialect(), postgresql.dialect()]


@given(st.text(st.characters()))
def test_any_text_comes_back_and_is_stored_as_text_that_every_database_takes(text):
    for dialect in DIALECTS:
        stored = AnyText().process_bind_param(text, dialect)
        assert "\x00" not in stored
        stored.encode("utf-8")
        assert AnyText().process_result_value(stored, dialect) == text


@given(st.text(st.characters()), st.text(st.characters()))
def test_two_texts_are_never_stored_as_one(one, other):
    stored = [AnyText().process_bind_param(text, DIALECTS[0]) for text in (one, other)]
    assert (stored[0] == stored[1]) == (one == other)


@given(st.text(st.characters(exclude_characters="\\\x00", exclude_categories=["Cs"])))
def test_ordinary_text_is_stored_as_it_is(text):
    assert AnyText().process_bind_param(text, DIALECTS[0]) == text


MOMENTS = st.datetimes(timezones=st.timezones(), min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1))


@given(MOMENTS)
def test_moments_come_back_in_utc(moment):
    stored = UtcTime().process_bind_param(moment, DIALECTS[0])
    back = UtcTime().process_result_value(stored.replace(tzinfo=None), DIALECTS[0])
    assert back == moment.astimezone(UTC)
    assert back.tzinfo is UTC


def test_a_moment_without_a_zone_is_a_mistake():
    with pytest.raises(ValueError, match="has no time zone"):
        UtcTime().process_bind_param(datetime(2026, 1, 1), DIALECTS[0])
