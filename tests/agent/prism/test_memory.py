"""A memory is the fold of its entries: what it accepts, what it shows, and where each value is from."""

import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.event import Folded, Revised, RunStarted, SchemaChosen
from agent.options import Options
from agent.prism.memory import Memory, memory_of, replayed
from agent.prism.schema_source import parse_schema
from agent.revision import Revision
from agent.state import fold

_SOURCE = """
class Person:
    role: str
    born: int | None
    events: list[str]
class Memory:
    people: dict[str, Person]
    title: str
    totals: list[float]
"""
_SCHEMA = parse_schema(_SOURCE)


def _add(*path: str | int, value: Any) -> Revision:
    return Revision(op="add", path=path, value=value)


def _update(*path: str | int, value: Any) -> Revision:
    return Revision(op="update", path=path, value=value)


def _memory(*revisions: Revision, source: str = "a", untrusted: bool = False) -> Memory:
    made = Memory(schema=_SCHEMA).revise(revisions, source=source, untrusted=untrusted)
    assert not made.rejected
    return made.memory


def test_what_lies_on_the_way_to_an_addition_is_made() -> None:
    memory = _memory(
        _add("people", "Ann", "events", "-", value="was born"), _add("people", "Ann", "role", value="cook")
    )
    assert memory.value == {"people": {"Ann": {"events": ["was born"], "role": "cook"}}}


def test_a_later_revision_of_the_same_proposal_sees_the_earlier_ones() -> None:
    memory = _memory(_add("title", value="A"), _update("title", value="B"))
    assert memory.value == {"title": "B"}


@pytest.mark.parametrize(
    ("revision", "why"),
    [
        (_add("title", value="other"), "there already, as 'Old'; use update"),
        (_update("people", "Bob", "role", value="x"), "not there yet; use add"),
        (_add("name", value="x"), "no such field; there are people, title, totals"),
        (_add("title", "x", value="x"), "nothing lies below a value of type str"),
        (_add("totals", 5, value=1), 'the list has 1 items; add with "-"'),
        (_update("totals", "-", value=1), "use a number"),
        (_update("totals", 1, value=1), "index 1"),
        (_update("title", value=["x"]), "is not str"),
        (_update("totals", 0, value="much"), "is not float"),
        (_update("totals", 0, value=float("nan")), "too large"),
        (_update("totals", 0, value=10**400), "too large"),
        (_add("people", "Bob", value={"age": 3}), "no field 'age'; there are role, born, events"),
        (_add("people", "Bob", "born", value=3.5), "is not int"),
        (_add(value={}), "the path is empty"),
        (_add("people", "", "role", value="x"), "1 to 200 characters"),
        (_update("title", value="x" * 2001), "2,001 characters"),
    ],
)
def test_what_does_not_fit_is_rejected_with_what_would_do(revision: Revision, why: str) -> None:
    memory = _memory(_add("title", value="Old"), _add("totals", "-", value=1.5))
    made = memory.revise([revision])
    assert made.memory == memory
    assert why in made.rejected[0].reason


def test_values_with_one_reading_are_mended() -> None:
    memory = _memory(
        _add("totals", "0", value="12.5"),
        _add("people", "Ann", value={"born": "1984", "role": 7, "events": None}),
        _add("title", value="half a \ud800character"),
    )
    assert memory.value["totals"] == [12.5]
    assert memory.value["people"]["Ann"] == {"born": 1984, "role": "7"}
    assert memory.value["title"] == "half a character"


def test_what_is_known_already_is_no_entry_and_no_error() -> None:
    memory = _memory(_add("title", value="A"))
    made = memory.revise([_add("title", value="A"), _update("title", value="A")])
    assert (made.entries, made.rejected) == ((), ())


def test_a_null_may_be_filled_by_an_addition() -> None:
    memory = _memory(_add("people", "Ann", value={"born": None}), _add("people", "Ann", "born", value=1984))
    assert memory.value["people"]["Ann"] == {"born": 1984}


def test_the_source_of_a_value_is_the_newest_one_that_wrote_it() -> None:
    memory = _memory(_add("people", "Ann", value={"role": "cook"}), source="first")
    memory = memory.revise([_update("people", "Ann", "role", value="baker")], source="second").memory
    memory = memory.revise([_add("people", "Ann", "born", value=1984)], source="third").memory
    role, born, ann = (memory.provenance(("people", "Ann", *rest)) for rest in (["role"], ["born"], []))
    assert role is not None
    assert born is not None
    assert ann is not None
    assert (role.source, role.sources) == ("second", ("first", "second"))
    assert born.sources == ("third",)
    assert ann.sources == ("first", "second", "third")
    assert memory.provenance(("people", "Bob")) is None


def test_trust_is_lost_by_one_untrusted_writer_and_does_not_come_back() -> None:
    memory = _memory(_add("title", value="A"), source="web", untrusted=True)
    memory = memory.revise([_update("title", value="B")], source="user").memory
    by = memory.provenance(("title",))
    assert by is not None
    assert (by.source, by.untrusted) == ("user", True)
    assert memory.untrusted


def test_an_untrusted_source_may_add_but_not_change_what_a_trusted_one_said() -> None:
    memory = _memory(_add("people", "Ann", "role", value="cook"), source="user")
    made = memory.revise(
        [
            _update("people", "Ann", "role", value="admin"),
            _update("people", "Ann", value={"role": "admin"}),
            _add("people", "Ann", "born", value=1984),
            _update("people", "Ann", "born", value=1985),
        ],
        source="web",
        untrusted=True,
    )
    assert made.memory.value["people"]["Ann"] == {"role": "cook", "born": 1985}
    assert [rejection.mendable for rejection in made.rejected] == [False, False]


def test_amendments_are_one_line_an_entry_after_the_folded_value() -> None:
    memory = _memory(_add("title", value="A"), _add("people", "Ann", "role", value="cook"))
    assert memory.render() == '[["title"],"A"]\n[["people","Ann","role"],"cook"]'
    folded = memory.fold()
    assert folded.render() == '{"title":"A","people":{"Ann":{"role":"cook"}}}' == folded.render("in-place")
    more = folded.revise([_update("title", value="B")]).memory
    assert more.render() == folded.render() + '\n[["title"],"B"]'
    assert more.render("in-place") == '{"title":"B","people":{"Ann":{"role":"cook"}}}'


_names = st.sampled_from(["Ann", "Bob", "Zoë"])
_places = st.one_of(
    st.tuples(st.just("title")),
    st.tuples(st.just("people"), _names),
    st.tuples(st.just("people"), _names, st.sampled_from(["role", "born"])),
    st.tuples(st.just("people"), _names, st.just("events"), st.sampled_from(["-", 0, 1])),
    st.tuples(st.just("totals"), st.sampled_from(["-", 0, 3])),
)
_values = st.one_of(st.text(max_size=8), st.integers(0, 9), st.just({"role": "x", "events": ["e"]}), st.none())
_ops: st.SearchStrategy[Literal["add", "update"]] = st.sampled_from(["add", "update"])
_revisions = st.lists(st.builds(Revision, op=_ops, path=_places, value=_values), max_size=30)


@given(_revisions, st.booleans())
def test_the_text_of_amendments_only_grows_at_its_end(revisions: list[Revision], folded: bool) -> None:
    memory = Memory(schema=_SCHEMA)
    if folded:
        memory = memory.revise([_add("title", value="T")]).memory.fold()
    for revision in revisions:
        before, memory = memory.render(), memory.revise([revision]).memory
        assert memory.render().startswith(before)


@given(_revisions, st.integers(0, 30))
def test_replayed_entries_give_the_same_memory_and_the_same_bytes(revisions: list[Revision], at: int) -> None:
    first = Memory(schema=_SCHEMA).revise(revisions[:at]).memory
    memory = (first.fold() if first.entries else first).revise(revisions[at:]).memory
    again = replayed(_SCHEMA, memory.entries, folded=memory.folded)
    assert again == memory
    assert again.render() == memory.render()
    assert json.loads(memory.render("in-place")) == memory.value


@given(_revisions)
def test_lines_of_amendments_lead_to_the_value(revisions: list[Revision]) -> None:
    made = Memory(schema=_SCHEMA).revise(revisions)
    lines = [json.loads(line) for line in made.memory.render().splitlines()]
    again = Memory(schema=_SCHEMA)
    for path, value in lines:
        op = "update" if again.provenance(path) else "add"
        again = again.revise([Revision(op=op, path=tuple(path), value=value)]).memory
    assert again.value == made.memory.value


def test_what_does_not_fit_the_budget_is_remembered_and_counted() -> None:
    memory = Memory(schema=_SCHEMA, budget=40)
    for number in range(30):
        memory = memory.revise([_add("people", f"P{number}", "role", value=f"role {number}")]).memory
    memory = memory.revise([_add("people", "P0", "events", "-", value="first")]).memory.fold()
    shown = json.loads(memory.render())
    assert set(shown["people"]) >= {"P0", "P29", "…"}
    assert shown["people"]["P0"] == {"events": ["first"], "…": "1 more"}
    assert len(memory.render()) < 4 * 60
    assert len(memory.value["people"]) == 30
    assert memory.revise([_update("people", "P3", "role", value="new")]).entries


def test_the_memory_of_a_run_is_folded_from_its_events() -> None:
    made = Memory(schema=_SCHEMA).revise([_add("title", value="A")])
    start = RunStarted(goal="g", options=Options())
    assert memory_of(fold([start])) is None
    events = [start, SchemaChosen(name="own", source=_SOURCE), Revised(entries=made.entries, steps=1)]
    memory = memory_of(fold([*events, Folded(before=9, after=5)]))
    assert memory is not None
    assert memory.render() == '{"title":"A"}'
