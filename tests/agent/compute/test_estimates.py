"""The formulas: when votes are decided, how unsure a model was, how hard a step looks."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.call import Call, Outcome, Step
from agent.compute import by_effort, effort_of
from agent.compute.entropy import first_entropy, label_share, token_entropy
from agent.compute.stopping import leads, to_decide
from agent.llm import Choice, Completion, Option, Token
from agent.message import assistant
from agent.options import Options
from agent.state import RunState

VOTES = st.integers(0, 60)
SHARE = st.floats(0, 1)


def test_the_probability_of_leading_is_that_of_the_beta_distribution() -> None:
    assert leads(0, 0) == 0.5
    assert leads(1, 0) == 0.75
    assert leads(3, 0) == 0.9375
    assert leads(2, 1) == pytest.approx(11 / 16)


@given(VOTES, VOTES)
def test_either_leads_and_each_vote_helps(first: int, second: int) -> None:
    assert leads(first, second) + leads(second, first) == pytest.approx(1)
    assert leads(first + 1, second) > leads(first, second) or leads(first, second) == 1


@given(VOTES, VOTES)
def test_no_fewer_votes_than_said_decide(first: int, second: int) -> None:
    further = to_decide(first, second)
    assert leads(first + further, second) >= 0.9
    assert further == 0 or leads(first + further - 1, second) < 0.9


def test_a_token_among_equals_is_the_least_certain() -> None:
    even = Token(text="a", logprob=log(0.5), alternatives={"a": log(0.5), "b": log(0.5)})
    assert token_entropy(even) == pytest.approx(log(2))
    assert token_entropy(Token(text="a", logprob=0.0)) == pytest.approx(0)
    assert first_entropy([]) is None
    assert first_entropy([even, Token(text="a", logprob=0.0)]) == pytest.approx(log(2) / 2)


@given(st.dictionaries(st.text(max_size=3), st.floats(-50, 0), max_size=6), st.floats(-50, 0))
def test_entropy_is_never_negative(alternatives: dict[str, float], logprob: float) -> None:
    assert token_entropy(Token(text="a", logprob=logprob, alternatives=alternatives)) >= -1e-9


def test_a_labels_share_is_of_the_labels_alone() -> None:
    shape = Choice(options=(Option(label="A", text=""), Option(label="END", text="")))
    token = Token(text="A", logprob=log(0.3), alternatives={"A": log(0.3), "EN": log(0.1), "the": log(0.6)})
    said = Completion(message=assistant("A"), tokens=(token,))
    assert label_share(said, shape) == pytest.approx(0.75)
    assert label_share(Completion(message=assistant("A")), shape) is None
    assert label_share(Completion(message=assistant("no"), tokens=(token,)), shape) is None


def step(outcome: Outcome) -> Step:
    return Step(call=Call(id="1", tool_id="a/b", arguments={}), outcome=outcome)


def test_a_step_looks_harder_the_more_has_failed() -> None:
    easy = RunState(goal="List the files", steps=(step(Outcome.SUCCEEDED),))
    failing = RunState(goal="List the files", steps=(step(Outcome.FAILED),) * 2)
    desperate = RunState(goal="List the files", steps=(step(Outcome.FAILED),) * 2, corrections=6)
    assert effort_of(RunState()) == 0
    assert 0 < effort_of(easy) < 0.35 < effort_of(failing) < effort_of(desperate) <= 1


@given(st.integers(0, 100), st.integers(0, 2000), st.integers(0, 500), st.integers(0, 8))
def test_effort_stays_between_0_and_1(corrections: int, goal: int, tools: int, failed: int) -> None:
    state = RunState(
        goal="x" * goal,
        corrections=corrections,
        equipped=tuple(f"s/{number}" for number in range(tools)),
        steps=(step(Outcome.FAILED),) * failed,
    )
    assert 0 <= effort_of(state) <= 1


@given(SHARE, SHARE, st.one_of(st.none(), st.integers(1, 50)), st.integers(1, 20))
def test_harder_never_gets_less(one: float, other: float, plans: int | None, samples: int) -> None:
    options = Options(plans=plans, samples=samples)
    less, more = (by_effort(effort, options) for effort in sorted((one, other)))
    assert less.samples <= more.samples
    assert less.max_tokens <= more.max_tokens
    assert (less.plans or 0) <= (more.plans or 0)
    assert (less.plans is None) == (plans is None)


def test_where_nobody_has_estimated_the_options_hold() -> None:
    spending = by_effort(None, Options(plans=7, samples=3), max_tokens=99)
    assert (spending.plans, spending.samples, spending.max_tokens) == (7, 3, 99)
