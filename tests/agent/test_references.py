"""References to earlier results: how they are written, and what they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.call import Call, Outcome, Step
from agent.references import BadReference, Reference, literal, normalised, reference, references, resolved


def _step(text: str = "", structured: object = None) -> Step:
    call = Call(id="c1", tool_id="box/list", arguments={})
    return Step(call=call, outcome=Outcome.SUCCEEDED, text=text, structured=structured)


_STEPS = [_step("two files", {"files": [{"name": "a b", "size": 3}, {"name": "c", "size": 5}], "note.md": "x"})]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$1", "two files"),
        ("$1.files[0].size", 3),
        ("$1.files.1.name", "c"),
        ('$1["files"][0]', {"name": "a b", "size": 3}),
        ("$1['note.md']", "x"),
        ("size: ${1.files[1].size}, ${1}", "size: 5, two files"),
        ("$$1", "$1"),
        ("costs $1", "costs $1"),
        ("$", "$"),
        ("$$x$$", "$$x$$"),
    ],
)
def test_a_text_means_what_it_refers_to(text: str, value: object) -> None:
    assert resolved({"in": [text]}, _STEPS) == {"in": [value]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("$2", "there is no step 2 yet"),
        ("$1.names", "there are files, note.md"),
        ("$1.files[2]", "it is a list of 2"),
        ("$1.files[0].name.first", "it has no parts"),
    ],
)
def test_a_reference_that_leads_nowhere_says_what_is_there(text: str, told: str) -> None:
    with pytest.raises(BadReference, match=told.replace("[", r"\[")):
        resolved(text, _STEPS)


def test_text_that_is_json_has_parts_and_other_text_has_none() -> None:
    assert resolved("$1.a[0]", [_step('{"a": [7]}')]) == 7
    with pytest.raises(BadReference, match=r"plain text.*\$1 is all of it"):
        resolved("$1.a", [_step("a: 7")])


def test_what_a_server_wraps_as_result_is_found_without_saying_so() -> None:
    assert resolved("$1[1]", [_step("", {"result": [1, 2]})]) == 2


def test_a_price_is_no_reference() -> None:
    assert literal({"price": "$100", "of": "$1", "in": "$5.x"}, 3) == {"price": "$$100", "of": "$1", "in": "$5.x"}
    assert resolved(literal("$100", 3), []) == "$100"


_keys = st.one_of(st.text("abc._- ", min_size=1, max_size=4), st.integers(0, 20))


@given(st.integers(1, 99), st.lists(_keys, max_size=4))
def test_every_reference_is_read_as_it_is_written(step: int, path: list[str | int]) -> None:
    wanted = Reference(step, tuple(path))
    assert reference(str(wanted)) == wanted
    assert normalised(str(wanted)) == str(wanted)
    assert list(references(f"see {wanted.inside}.")) == [wanted]


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text("ab$1.{}[]", max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("ab", max_size=2), inner, max_size=3)),
    max_leaves=8,
)


@given(_json)
def test_normalising_twice_is_normalising_once(value: object) -> None:
    once = normalised(value)
    assert normalised(once) == once
    assert list(references(once)) == list(references(value))
