"""Finding a label or JSON in what a model says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.endpoint.shapes import choice_grammar, found, label_in, told
from agent.llm import Choice, Completion, JsonShape, Option, Token
from agent.message import assistant, user

OPTIONS = (
    Option(label="A", text="go home"),
    Option(label="B", text="stay here"),
    Option(label="END", text="stop"),
    Option(label="AA", text="go away"),
)


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("A", "A"),
        (" B.\n", "B"),
        ("**END**", "END"),
        ("`AA`", "AA"),
        ("stay here", "B"),
        ("The answer is B.", "B"),
        ("Answer: (AA)", "AA"),
        ("A good choice is B", "B"),
        ("A. go home", "A"),
        ("B) because A is far", "B"),
        ("I would take END now", "END"),
        ('{"choice": "B"}', "B"),
        ("<think>A or B? A is best</think>\n\nB", "B"),
        ("A or B", None),
        ("neither", None),
        ("", None),
        ("BAD", None),
    ],
)
def test_a_label_is_found_where_it_is_clear_which(said: str, label: str | None) -> None:
    place = label_in(said, OPTIONS)
    assert (place and place[0]) == label
    if place and said != "stay here":
        assert said[place[1] :].startswith(place[0])


@given(st.text())
def test_nothing_that_a_model_says_breaks_it(said: str) -> None:
    place = label_in(said, OPTIONS)
    assert place is None or (place[0] in {option.label for option in OPTIONS} and 0 <= place[1] < len(said))


def test_the_tokens_of_a_choice_begin_with_its_label() -> None:
    tokens = (
        Token(text='{"choice', logprob=0.0),
        Token(text='": "', logprob=0.0),
        Token(text="B", logprob=-0.1, alternatives={"B": -0.1, "A": -2.3}),
        Token(text='"}', logprob=0.0),
    )
    (first, *_) = found(Completion(message=assistant('{"choice": "B"}'), tokens=tokens), Choice(options=OPTIONS)).tokens
    assert first == tokens[2]


def test_what_stands_before_a_label_in_its_token_is_taken_from_the_alternatives_too() -> None:
    tokens = (Token(text=' "B', logprob=-0.1, alternatives={' "B': -0.1, ' "A': -2.3, "no": -9.0}),)
    (first,) = found(Completion(message=assistant(' "B'), tokens=tokens), Choice(options=OPTIONS)).tokens
    assert (first.text, first.alternatives) == ("B", {"B": -0.1, "A": -2.3})


def test_what_holds_no_shape_stays_as_it_was() -> None:
    said = Completion(message=assistant("I cannot say"))
    assert found(said, Choice(options=OPTIONS)) is said
    assert found(said, JsonShape(schema={"type": "object"})) is said


def test_a_list_is_found_where_the_schema_wants_one() -> None:
    said = Completion(message=assistant('Here: [{"a": 1}] as wanted'))
    assert json.loads(found(said, JsonShape(schema={"type": "array"})).text) == [{"a": 1}]
    assert json.loads(found(said, JsonShape(schema={"type": "object"})).text) == {"a": 1}


def test_a_shape_is_asked_for_at_the_end_so_that_what_stands_before_stays() -> None:
    before = user("Which?")
    (last,) = told([before], Choice(options=OPTIONS))
    assert last.content.startswith(before.content)
    assert last.content.endswith("A, B, END, AA")
    assert [message.role for message in told([before, assistant("Hm")], Choice(options=OPTIONS))][-1] == "user"


def test_a_grammar_quotes_its_labels() -> None:
    assert choice_grammar([Option(label='say "x"', text=""), Option(label="B", text="")]) == (
        'root ::= "say \\"x\\"" | "B"'
    )
