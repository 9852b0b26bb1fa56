"""How a choice among children is put to a model and read from its answer."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import event as kinds
from agent.llm import Completion, Profile, Purpose, Token
from agent.message import assistant
from agent.planners.deciding import key_in, labelled, shares_of
from tests.agent.planners.conftest import Model, Tools, plan, ran

_OPTIONS = labelled(['box/read {"path":"a"}', 'box/read {"path":"b"}', "END"])


def test_actions_have_letters_and_ends_their_own_names() -> None:
    assert [option.label for option in _OPTIONS] == ["A", "B", "END", "NONE"]
    assert [option.text for option in _OPTIONS][2:] == ["END", "NONE"]


@given(st.integers(0, 200))
def test_however_many_there_are_no_two_have_one_label(count: int) -> None:
    options = labelled([f"box/read {number}" for number in range(count)] + ["END"])
    labels = [option.label for option in options]
    assert len(set(labels)) == len(labels) == count + 2
    assert {len(label) for label in labels[:count]} <= ({1} if count <= 26 else {2})


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("A", 'box/read {"path":"a"}'),
        (" b.", 'box/read {"path":"b"}'),
        ('"END"', "END"),
        ("NONE of these", "NONE"),
        ("B. box/read", 'box/read {"path":"b"}'),
        ('I take box/read {"path":"a"}', 'box/read {"path":"a"}'),
        ("C", None),
        ("", None),
    ],
)
def test_an_answer_names_its_option_with_whatever_stands_around_it(said: str, key: str | None) -> None:
    assert key_in(said, _OPTIONS) == key


def _completion(**alternatives: float) -> Completion:
    logs = {text: math.log(share) for text, share in alternatives.items()}
    text = max(logs, key=lambda each: logs[each])
    return Completion(message=assistant(text), tokens=(Token(text=text, logprob=logs[text], alternatives=logs),))


def test_log_probabilities_are_votes() -> None:
    shares = shares_of(_completion(A=0.2, B=0.5, EN=0.1, N=0.1, x=0.1), _OPTIONS)
    assert shares == {'box/read {"path":"a"}': 0.2222, 'box/read {"path":"b"}': 0.5556, "END": 0.1111, "NONE": 0.1111}


def test_a_token_with_which_several_labels_begin_tells_nothing() -> None:
    many = labelled([f"box/read {number}" for number in range(30)])
    assert shares_of(_completion(A=0.9, BA=0.1), many) == {}
    assert shares_of(Completion(message=assistant("AB")), many) == {}


async def test_log_probabilities_are_asked_for_where_there_are_any(box: Tools) -> None:
    profile = Profile(shapes="structured_outputs", samples=True, logprobs=True)
    model = Model(plans=[[plan(("list", {})), plan(("read", {"path": "a.txt"}))]], prefers=["a.txt"], profile=profile)
    done = await ran(model, box)
    ask, *_ = [ask for _, ask in done.llm.asked if ask.purpose is Purpose.DECIDE]
    assert (ask.n, ask.temperature, ask.logprobs) == (1, 0.0, 20)
    assert done.called == ["read a.txt"], "the script gives no log-probabilities: its text decides"
    assert done.of(kinds.Decided)[0].by == "answer"


async def test_a_decision_sees_only_what_its_options_need(box: Tools, files: dict[str, str]) -> None:
    files["a.txt"] = "a long story"
    rest = [("wait", {"seconds": 1}), ("wait", {"seconds": 2})]
    plans = [
        plan(("list", {}), ("read", {"path": "a.txt"}), *rest, ("read", {"path": "$1.files[1]"})),
        plan(("list", {}), ("read", {"path": "a.txt"}), *rest, ("read", {"path": "b.txt"})),
    ]
    done = await ran(Model(plans=[plans], prefers=["$1"]), box)
    prompt, *_ = done.prompts(Purpose.DECIDE)
    assert '$1.files[1] = "b.txt"' in prompt
    assert '{"waited":2}' in prompt
    assert "a long story" not in prompt
    assert '"a.txt"]' not in prompt
    assert done.called[-1] == "read b.txt"
