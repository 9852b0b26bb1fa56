"""Credit from what was measured on the way: continued runs (SPO, MOTIF) and hidden tests at checkpoints (BRPO)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm import Purpose
from rl_trainer.credit.settings import (
    Centred,
    Checkpoints,
    GroupRelative,
    MemoryTurns,
    ProbabilityMask,
    Segments,
)
from rl_trainer.errors import CreditImpossible
from tests.rl_trainer.credit.conftest import a_group, credited, few, flat, groups, same, with_turns


def firsts(values) -> list[list[float]]:
    return [[turn[0] for turn in run] for run in flat(values)]


@few
@given(groups(), st.integers(1, 5))
def test_spo_segments_sum_to_the_reward_less_the_value_of_the_start(group, every: int) -> None:
    advantages = firsts(credited(group, Segments(every=every)).advantages)
    for run, changes in zip(group.trajectories, advantages, strict=True):
        assert sum(changes[::every]) == pytest.approx(run.reward - run.turns[0].value)
        assert all(changes[place] == changes[place - place % every] for place in range(len(changes)))


def test_spo_credits_the_step_that_changed_the_chances() -> None:
    group = with_turns(a_group(["abc"], [1]), 0, value=[0.5, 0.5, 0.25])
    assert firsts(credited(group, Segments()).advantages) == [[0.0, -0.25, 0.75]]


def test_spo_says_which_value_is_missing_and_what_to_switch_on() -> None:
    group = with_turns(a_group(["abc", "b"], [1, 0]), 0, value=[0.5, None, 0.25])
    with pytest.raises(CreditImpossible, match=r"before turn 1 of run 0 .* switch on the forks"):
        credited(group, Segments())
    assert firsts(credited(group, Segments(every=2)).advantages)[0] == [-0.25, -0.25, 0.75]


def test_tokens_that_were_as_good_as_certain_can_be_left_out() -> None:
    group = with_turns(a_group(["a", "b"], [1, 0]), 0, logprobs=[(-0.01, -0.5)])
    assert flat(credited(group, GroupRelative(), ProbabilityMask()).weights) == [[[0.0, 1.0]], [[1.0, 1.0]]]


@few
@given(groups())
def test_brpo_with_one_budget_is_the_reward_less_the_mean(group) -> None:
    for prior in ("base", "uniform", "linear"):
        credit = credited(group, Checkpoints(budgets=(10,), prior=prior))
        assert same(credit.advantages, credited(group, Centred()).advantages)


def test_brpo_compares_what_is_still_to_come_with_siblings_and_with_the_runs_own_past() -> None:
    group = a_group(["abcd", "abcd"], [1, 0])
    group = with_turns(group, 0, score=[None, 0.5, None, 1.0])
    group = with_turns(group, 1, score=[None, 0.1, None, 0.0])
    first, second = firsts(credited(group, Checkpoints(budgets=(2, 4))).advantages)
    # P = 1/2 each. R_0 = (0.5 + 1) / 2 and (0.1 + 0) / 2; B_0 = their mean. R_1 = 1/2 and 0; B_1 is the mean of V1, the
    # score before times 1/2, and V2 = 1/4.
    assert first == pytest.approx([0.35, 0.35, 0.5 - (0.25 + 0.25) / 2, 0.5 - (0.25 + 0.25) / 2])
    assert second == pytest.approx([-0.35, -0.35, -(0.05 + 0.25) / 2, -(0.05 + 0.25) / 2])


def test_with_the_base_prior_brpo_counts_the_last_budget_alone() -> None:
    group = a_group(["abcd", "abcd"], [1, 0])
    credit = firsts(credited(group, Checkpoints(budgets=(2, 4), prior="base")).advantages)
    assert [run[0] for run in credit] == [0.5, -0.5]


def test_an_ended_run_is_worth_its_reward_at_later_budgets() -> None:
    group = with_turns(a_group(["a", "abc"], [1, 0]), 1, score=[0.0, None, 0.0])
    first, second = firsts(credited(group, Checkpoints(budgets=(1, 3))).advantages)
    assert first == [0.5]
    assert second[0] == -0.5


def test_brpo_says_when_nothing_was_measured_or_a_run_is_longer_than_its_budgets() -> None:
    group = with_turns(a_group(["abc", "abc"], [1, 0]), 0, score=[None, 0.5, 1.0])
    with pytest.raises(CreditImpossible, match=r"run 0 .* at turn 1, .* checkpoints"):
        credited(group, Checkpoints(budgets=(1, 3)))
    with pytest.raises(CreditImpossible, match=r"has 3 turns and the last budget is 2"):
        credited(group, Checkpoints(budgets=(1, 2)))


@pytest.mark.parametrize("budgets", [[], [2, 2], [4, 2], [0, 4]])
def test_budgets_must_ascend(budgets: list[int]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "brpo", "budgets": budgets}, Checkpoints)


def test_motif_values_memory_turns_by_the_runs_that_went_on_from_them() -> None:
    group = a_group(["amb", "amb"], [1, 0])
    for member, after in enumerate((0.75, 0.25)):
        purposes = [Purpose.ACT, Purpose.SUMMARISE, Purpose.ACT]
        group = with_turns(group, member, purpose=purposes, value=[None, None, after])
    plain = firsts(credited(group).advantages)
    found = firsts(credited(group, GroupRelative(), MemoryTurns()).advantages)
    assert [run[1] for run in found] == pytest.approx([1, -1], abs=1e-4)
    assert [(run[0], run[2]) for run in found] == [(run[0], run[2]) for run in plain]
    last = with_turns(group, 0, purpose=[Purpose.ACT, Purpose.ACT, Purpose.REVISE], value=[None] * 3)
    assert firsts(credited(last, GroupRelative(), MemoryTurns()).advantages)[0][2] == pytest.approx(1, abs=1e-4)


def test_motif_leaves_groups_without_memory_turns_alone_and_asks_for_forks_in_others() -> None:
    group = with_turns(a_group(["ab", "ab"], [1, 0]), 0, value=[None, None])
    assert flat(credited(group, GroupRelative(), MemoryTurns()).advantages) == flat(credited(group).advantages)
    with pytest.raises(CreditImpossible, match="continued from after turn 0 of run 0"):
        credited(with_turns(group, 0, purpose=[Purpose.REVISE, Purpose.ACT]), GroupRelative(), MemoryTurns())
