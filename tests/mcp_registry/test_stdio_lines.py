import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_registry.transports.lines import Lines, LineTooLong
from mcp_registry.transports.messages import NotAMessage, decode, encode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces, cut at the places."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@given(
    st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")), max_size=8), st.lists(st.integers(0))
)
def test_lines_come_out_the_same_however_they_are_cut(lines: list[bytes], places: list[int]) -> None:
    data = b"".join(line + b"\n" for line in lines) + b"unfinished"
    reader = Lines(max_bytes=100)
    assert [line for chunk in cut(data, places) for line in reader.feed(chunk)] == lines


@given(st.integers(0, 30), st.lists(st.integers(0)))
def test_a_line_is_too_long_exactly_when_it_has_more_bytes_than_allowed(size: int, places: list[int]) -> None:
    reader = Lines(max_bytes=16)
    got: list[bytes] = []

    def feed() -> None:
        for chunk in cut(b"ok\n" + b"x" * size + b"\n", places):
            got.extend(reader.feed(chunk))

    if size > 16:
        with pytest.raises(LineTooLong, match="more than 16 bytes"):
            feed()
        assert got == [b"ok"]
    else:
        feed()
        assert got == [b"ok", b"x" * size]


def test_an_endless_line_is_refused_without_waiting_for_its_end() -> None:
    reader = Lines(max_bytes=1000)
    for _ in range(10):
        assert list(reader.feed(b"x" * 100)) == []
    with pytest.raises(LineTooLong):
        list(reader.feed(b"x"))


@given(st.dictionaries(st.text(), VALUES))
def test_what_is_encoded_is_one_line_and_decodes_to_the_same(message: dict[str, object]) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line[:-1]) == [message]


def test_a_batch_of_an_older_server_is_its_messages() -> None:
    assert decode(b'[{"id": 1}, {"id": 2}]') == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize("line", [b"Server ready", b"42", b'"text"', b"[]", b"[1]", b"{", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_message_is_told_apart(line: bytes) -> None:
    with pytest.raises(NotAMessage):
        decode(line)


def test_what_python_servers_write_beside_the_standard_is_understood() -> None:
    (message,) = decode(b'{"nan": NaN, "half": "\\ud800", "big": 1' + b"0" * 40 + b"}\r")
    assert math.isnan(message["nan"])
    assert message["half"] == "\ud800"
    assert message["big"] == 10**40


def test_half_a_surrogate_pair_can_be_sent() -> None:
    assert json.loads(encode({"text": "\ud800"})) == {"text": "\ud800"}
