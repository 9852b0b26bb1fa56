"""Schemas are read from dataclass source, never run, and shown compactly."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.prism.library import library, named, nearest
from agent.prism.schema import MapOf, Maybe, Record, Scalar, schema_text, type_text
from agent.prism.schema_source import BadSchema, parse_schema

_SOURCE = '''
from dataclasses import dataclass, field
from typing import Optional

@dataclass
class Person:
    """One person"""
    role: Optional[str]  # what they do
    born: int | None = None
    friends: List[str] = field(default_factory=list)

@dataclass
class Memory:
    """The people"""
    people: dict[str, "Person"]  # by full name
    note: str
'''


def test_fields_types_and_meanings_are_read() -> None:
    schema = parse_schema(_SOURCE)
    assert schema.root == "Memory"
    assert schema.top.meaning == "The people"
    people = schema.top.field("people")
    assert people is not None
    assert (people.type, people.meaning) == (MapOf(Record("Person")), "by full name")
    role = schema.records["Person"].field("role")
    assert role is not None
    assert role.type == Maybe(Scalar("str"))


def test_the_text_for_prompts_is_short_and_deterministic() -> None:
    text = schema_text(parse_schema(_SOURCE))
    assert text == (
        "class Person:  # One person\n role: str | None  # what they do\n born: int | None\n friends: list[str]\n"
        "class Memory:  # The people\n people: dict[str, Person]  # by full name\n note: str"
    )


@pytest.mark.parametrize("name", list(library()))
def test_every_schema_that_comes_along_reads_the_same_after_it_was_shown(name: str) -> None:
    schema = named(name).schema
    assert parse_schema(schema_text(schema)) == schema
    assert named(name).purpose


@pytest.mark.parametrize(
    ("source", "line", "why"),
    [
        ("class A:\n  x: set[int]", 2, "set[int] is none of"),
        ("class A:\n  x: dict[int, str]", 2, "must be str"),
        ("class A:\n  x: int\n  def f(self): ...", 3, "only fields"),
        ("class A(B):\n  x: int", 1, "base class"),
        ("class A:\n  x: int\n  x: str", 3, "twice"),
        ("import os\nos.remove('x')\nclass A:\n  x: int", 2, "only dataclasses"),
        ("class A:\n  pass", 1, "0 fields"),
        ("class A\n  x: int", 1, "not Python"),
        ("class int:\n  x: str", 1, "taken"),
        ("", 1, "no class"),
        ("class A:\n  x: 'list['", 2, "is no type"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(source: str, line: int, why: str) -> None:
    with pytest.raises(BadSchema, match=f"line {line} of the schema: .*") as caught:
        parse_schema(source)
    assert why in str(caught.value)


def test_a_record_that_holds_itself_is_refused() -> None:
    with pytest.raises(BadSchema, match="A > B > A"):
        parse_schema("class A:\n  b: list[B]\nclass B:\n  a: A | None\nclass Memory:\n  a: A")


def test_source_is_never_run() -> None:
    schema = parse_schema("class Memory:\n  x: int = __import__('os')._exit(3)")
    assert schema_text(schema) == "class Memory:\n x: int"


def test_records_that_the_root_does_not_need_are_left_out() -> None:
    assert list(parse_schema("class A:\n  x: int\nclass Memory:\n  y: str").records) == ["Memory"]


@given(st.text(max_size=200))
def test_any_text_gives_a_schema_or_says_why_not(text: str) -> None:
    with contextlib.suppress(BadSchema):
        assert parse_schema(text).records


_annotations = st.recursive(
    st.sampled_from(["int", "str", "bool", "float"]),
    lambda inner: st.builds(str.format, st.sampled_from(["list[{}]", "dict[str, {}]", "({}) | None"]), inner),
    max_leaves=5,
)


@given(_annotations)
def test_types_read_the_same_after_they_were_shown(annotation: str) -> None:
    type_ = parse_schema(f"class Memory:\n  x: {annotation}").top.fields[0].type
    again = parse_schema(f"class Memory:\n  x: {type_text(type_)}").top.fields[0].type
    assert again == type_


def test_the_nearest_schema_is_found_by_what_a_task_is_about() -> None:
    assert nearest("add up all invoices of the ledger").name == "inventory"
    assert nearest("which function of this repository parses dates").name == "code-reading"
    assert nearest("zzz").name == "task-notes"
    with pytest.raises(BadSchema, match="task-notes"):
        named("nothing-such")
