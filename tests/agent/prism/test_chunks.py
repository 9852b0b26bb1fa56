"""Chunks keep to their size and their seams, and lose nothing."""

import json

from hypothesis import given
from hypothesis import strategies as st

from agent.prism.chunks import chunked
from agent.tokens import count_tokens


def test_prose_is_cut_between_paragraphs() -> None:
    text = "\n\n".join(f"Paragraph {number} has some words." for number in range(6))
    pieces = chunked(text, 16)
    assert len(pieces) == 3
    assert "\n\n".join(pieces) == text


def test_a_paragraph_that_is_too_long_is_cut_between_sentences() -> None:
    assert chunked("One two three four. Five six seven eight. Nine ten.", 6) == [
        "One two three four.",
        "Five six seven eight.",
        "Nine ten.",
    ]


def test_json_items_keep_their_path() -> None:
    text = json.dumps({"rows": [{"id": number, "name": f"name {number}"} for number in range(9)], "count": 9})
    pieces = chunked(text, 30)
    assert len(pieces) > 2
    assert pieces[-1].endswith('rows[8]: {"id":8,"name":"name 8"}\ncount: 9')


def test_rows_have_their_header_in_every_piece() -> None:
    text = "id,name\n" + "\n".join(f'{number},"a\nb {number}"' for number in range(20))
    pieces = chunked(text, 20, "rows")
    assert len(pieces) > 3
    assert all(piece.startswith("id,name\n") and piece.endswith('"') for piece in pieces)


def test_what_only_looks_like_json_is_cut_by_lines() -> None:
    assert chunked("[info] a\n[info] b]", 3) == ["[info] a", "[info] b]"]


@given(st.text(alphabet='ab .\n,é中{}[]":1', max_size=400), st.integers(2, 30), st.sampled_from(["prose", "lines"]))
def test_pieces_fit_and_nothing_but_space_is_lost(text: str, tokens: int, structure: str) -> None:
    pieces = chunked(text, tokens, structure)  # pyright: ignore[reportArgumentType]
    assert all(count_tokens(piece) <= tokens for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(st.text(max_size=200), st.integers(2, 30))
def test_any_text_of_any_kind_is_cut(text: str, tokens: int) -> None:
    for structure in ("prose", "lines", "json", "rows"):
        assert all(piece.strip() for piece in chunked(text, tokens, structure))


@given(
    st.recursive(st.integers() | st.text(max_size=5), lambda s: st.lists(s) | st.dictionaries(st.text(max_size=3), s))
)
def test_json_pieces_fit(value: object) -> None:
    assert all(count_tokens(piece) <= 8 for piece in chunked(json.dumps(value), 8, "json"))
