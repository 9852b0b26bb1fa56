"""Rewards: what came of a run and what it cost, part by part."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm import Purpose
from rl_trainer.errors import RecipeWrong
from rl_trainer.rewards import (
    RewardSettings,
    RunLimits,
    TokenPenalty,
    TurnPenalty,
    parts_of,
    reward_of,
    token_penalty,
    turn_penalty,
)
from rl_trainer.task import Task
from rl_trainer.trajectory import Trajectory, Turn

LIMITS = RunLimits(turns=40)


def a_run(turns: int = 3, *, tokens: int = 2, passed: bool = False, purpose: Purpose = Purpose.ACT, **facts: float):
    turn = Turn(prompt=(1,), completion=(2,) * tokens, logprobs=(0.0,) * tokens, purpose=purpose)
    return Trajectory(task_id="t", member=0, turns=(turn,) * turns, passed=passed, facts=facts, share=0.5)


async def test_a_reward_has_every_part_by_name_and_the_run_sums_them() -> None:
    settings = RewardSettings(verified=0.1, turns=TurnPenalty(threshold=10), tokens=TokenPenalty(longest=100, cache=50))
    run = a_run(25, tokens=3, passed=True, submitted=1, tests=2, tested_before_submit=1)
    parts = await reward_of(settings, LIMITS)(run, Task(id="t", goal="", environment="swe"))
    assert parts == {"outcome": 1.0, "verified": 0.1, "turns": -0.5, "tokens": -0.5}
    assert msgspec.structs.replace(run, rewards=dict(parts)).reward == pytest.approx(0.1)


@pytest.mark.parametrize(("turns", "penalty"), [(1, 0.0), (9, 0.0), (10, 0.0), (25, -0.5), (40, -1.0), (50, -1.0)])
def test_the_turn_penalty_sinks_from_the_threshold_to_minus_one_at_the_limit(turns: int, penalty: float) -> None:
    assert turn_penalty(a_run(turns), TurnPenalty(threshold=10), 40) == pytest.approx(penalty)


def test_turns_that_ran_tests_can_be_free_up_to_a_number() -> None:
    settings = TurnPenalty(threshold=10, free_tests=5)
    assert turn_penalty(a_run(14, tests=5), settings, 40) == 0
    assert turn_penalty(a_run(25, tests=5), settings, 40) == pytest.approx(-10 / 30)
    assert turn_penalty(a_run(25, tests=20), settings, 40) == pytest.approx(-10 / 30)


def test_what_is_written_for_the_memory_is_no_turn_in_the_world() -> None:
    assert turn_penalty(a_run(40, purpose=Purpose.SUMMARISE), TurnPenalty(), 40) == 0


@pytest.mark.parametrize(
    ("tokens", "penalty"), [(0, 0.0), (16_384, 0.0), (18_432, -0.5), (20_480, -1.0), (30_000, -1.0)]
)
def test_the_token_penalty_has_the_figures_of_dapo(tokens: int, penalty: float) -> None:
    assert token_penalty(tokens, 20_480, 4096) == pytest.approx(penalty)


@given(st.integers(0, 100), st.integers(0, 39), st.integers(0, 10))
def test_no_turn_penalty_is_a_gain_or_more_than_its_weight(turns: int, threshold: int, free: int) -> None:
    settings = TurnPenalty(threshold=threshold, free_tests=free)
    penalty = turn_penalty(a_run(turns, tests=3), settings, 40)
    assert -1 <= penalty <= 0
    assert penalty >= turn_penalty(a_run(turns + 1, tests=3), settings, 40)


def test_a_cheat_is_worth_what_a_wrong_solution_is_and_gets_no_bonus() -> None:
    settings = RewardSettings(verified=0.1, partial=0.2)
    parts = parts_of(a_run(passed=True, cheat=1, tested_before_submit=1), settings, LIMITS)
    assert parts == {"outcome": 0.0, "partial": 0.0, "verified": 0.0}


def test_giving_up_is_worth_something_of_its_own() -> None:
    settings = RewardSettings(wrong=-1.0, gave_up=-0.25)
    assert parts_of(a_run(gave_up=1), settings, LIMITS) == {"outcome": -0.25}
    assert parts_of(a_run(), settings, LIMITS) == {"outcome": -1.0}
    assert parts_of(a_run(passed=True), settings, LIMITS) == {"outcome": 1.0}


def test_only_a_tested_submission_earns_the_bonus() -> None:
    settings = RewardSettings(verified=0.1)
    assert parts_of(a_run(submitted=1, tests=1), settings, LIMITS)["verified"] == 0
    assert parts_of(a_run(submitted=1, tests=1, tested_before_submit=1), settings, LIMITS)["verified"] == 0.1


def test_a_partial_solution_is_worth_its_share_of_the_checks() -> None:
    assert parts_of(a_run(), RewardSettings(partial=0.2), LIMITS) == {"outcome": 0.0, "partial": 0.1}
    assert parts_of(a_run(passed=True), RewardSettings(partial=0.2), LIMITS) == {"outcome": 1.0, "partial": 0.0}


def test_a_run_whose_world_failed_is_not_rewarded() -> None:
    lost = msgspec.structs.replace(a_run(), infra="the container is gone")
    assert parts_of(lost, RewardSettings(turns=TurnPenalty()), LIMITS) == {}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (RewardSettings(wrong=1.0, gave_up=1.0), "reward.wrong"),
        (RewardSettings(gave_up=1.0), "reward.gave_up"),
        (RewardSettings(gave_up=-0.5), "reward.gave_up"),
        (RewardSettings(partial=0.6, verified=0.5), "reward.partial"),
        (RewardSettings(turns=TurnPenalty(threshold=40)), "reward.turns.threshold"),
        (RewardSettings(tokens=TokenPenalty()), "reward.tokens.longest"),
        (RewardSettings(tokens=TokenPenalty(longest=100)), "reward.tokens.cache"),
    ],
)
def test_numbers_that_contradict_each_other_are_refused(settings: RewardSettings, named: str) -> None:
    with pytest.raises(RecipeWrong, match=named):
        reward_of(settings, LIMITS)
