"""Turn-tree credit: lambda-GRPO, TEMPO, GiGPO and HGPO, each equal to its parent where the theory says so."""

import msgspec
import pytest
from hypothesis import given

from rl_trainer.credit.settings import (
    GroupRelative,
    NestedStateGroups,
    PrefixValues,
    SharedPrefixes,
    StateGroups,
)
from rl_trainer.errors import CreditImpossible
from tests.rl_trainer.credit.conftest import a_group, alone, credited, few, flat, groups, same, with_turns

LEVELS = ["token", "turn", "action"]


@pytest.mark.parametrize("level", LEVELS)
@few
@given(group=groups())
def test_lambda_grpo_without_shared_prefixes_is_grpo(level, group) -> None:
    apart = alone(group)
    plain, shared = credited(apart), credited(apart, GroupRelative(), SharedPrefixes(level=level))
    assert flat(plain.weights) == flat(shared.weights)
    assert flat(plain.advantages) == flat(shared.advantages)


@pytest.mark.parametrize("level", LEVELS)
@few
@given(group=groups())
def test_with_lambda_grpo_a_shared_step_counts_once(level, group) -> None:
    """The weights of the members that share a turn sum to one, so the sum over the group is the number of nodes."""
    weights = credited(group, GroupRelative(), SharedPrefixes(level=level)).weights
    words = [[turn.action[0] for turn in run.turns] for run in group.trajectories]
    nodes = {tuple(word[: place + 1]) for word in words for place in range(len(word))}
    assert sum(float(turn[-1]) for run in weights for turn in run) == pytest.approx(len(nodes))


def test_a_token_is_shared_until_what_was_written_differs() -> None:
    group = with_turns(a_group(["a", "a"], [0, 1]), 1, completion=[(ord("a"), 2)])
    weights = credited(group, GroupRelative(), SharedPrefixes()).weights
    assert flat(weights) == [[[0.5, 1.0]], [[0.5, 1.0]]]


@pytest.mark.parametrize("level", LEVELS)
@few
@given(group=groups())
def test_tempo_with_unique_prefixes_is_grpo_but_for_the_first_branch(level, group) -> None:
    apart = alone(group)
    plain = credited(apart).advantages
    assert same(credited(apart, PrefixValues(level=level, root=False)).advantages, plain)
    full = flat(credited(apart, PrefixValues(level=level)).advantages)
    for member, run in enumerate(flat(plain)):
        assert full[member][0][0] == pytest.approx(2 * run[0][0])
        assert full[member][1:] == [pytest.approx(turn) for turn in run[1:]]


def test_tempo_credits_the_step_at_which_outcomes_part() -> None:
    group = a_group(["abx", "acx"], [1, 0])
    right, wrong = flat(credited(group, PrefixValues()).advantages)
    assert [turn[0] for turn in right] == pytest.approx([1, 2, 1], abs=1e-5)
    assert [turn[0] for turn in wrong] == pytest.approx([-1, -2, -1], abs=1e-5)


@few
@given(groups())
def test_by_token_tempo_changes_a_turn_by_as_much_as_by_turn(group) -> None:
    by_turn = flat(credited(group, PrefixValues(level="turn")).advantages)
    by_token = flat(credited(group, PrefixValues(level="token")).advantages)
    base = flat(credited(group).advantages)
    for member, run in enumerate(base):
        for turn, values in enumerate(run):
            change = sum(by_token[member][turn]) - sum(values)
            assert change == pytest.approx(by_turn[member][turn][0] - values[0], abs=1e-9)


@few
@given(groups())
def test_gigpo_with_states_of_one_turn_each_is_grpo(group) -> None:
    apart = alone(group)
    assert flat(credited(apart, StateGroups()).advantages) == flat(credited(apart).advantages)


def test_gigpo_compares_the_returns_of_turns_in_one_state() -> None:
    group = a_group(["ab", "b"], [1, 0])
    group = with_turns(with_turns(group, 0, state_key=["s", "t"]), 1, state_key=["s"])
    first, second = flat(credited(group, StateGroups(gamma=0.5, omega=2.0, scale="none")).advantages)
    assert [turn[0] for turn in first] == [0.5 + 2 * 0.25, 0.5]
    assert [turn[0] for turn in second] == [-0.5 - 2 * 0.25]


@few
@given(groups())
def test_hgpo_without_history_is_gigpo(group) -> None:
    for scale in ("std", "none"):
        nested = credited(group, NestedStateGroups(history=0, alpha=3.0, gamma=0.9, omega=0.5, scale=scale))
        assert same(nested.advantages, credited(group, StateGroups(gamma=0.9, omega=0.5, scale=scale)).advantages)


def test_hgpo_weighs_turns_with_the_same_history_more_the_larger_alpha_is() -> None:
    group = a_group(["xa", "xa", "ya"], [1, 0, 0])
    for member, first in enumerate("xxy"):
        group = with_turns(group, member, state_key=["start", "same"], action=[first, "a"])
    coarse, fine = (
        flat(credited(group, NestedStateGroups(history=1, alpha=alpha, gamma=1.0)).advantages)[2][1][0]
        for alpha in (0.0, 30.0)
    )
    alone_in_its_history = flat(credited(group).advantages)[2][1][0]
    assert coarse == pytest.approx(alone_in_its_history * 1.5)
    assert fine == pytest.approx(alone_in_its_history)


@pytest.mark.parametrize("estimator", [StateGroups(), NestedStateGroups()])
def test_without_state_keys_gigpo_and_hgpo_say_so(estimator) -> None:
    group = a_group(["ab", "b"], [1, 0])
    with pytest.raises(CreditImpossible, match=r"turn 1 of run 0 .* has no state key"):
        credited(with_turns(group, 0, state_key=["s", ""]), estimator)


def test_states_of_runs_whose_world_failed_are_not_asked_for() -> None:
    group = a_group(["a", "b", "c"], [1, 0, 0])
    lost = msgspec.structs.replace(group.trajectories[2], infra="gone", turns=())
    assert credited(
        msgspec.structs.replace(group, trajectories=(*group.trajectories[:2], lost)), StateGroups()
    ).informative
