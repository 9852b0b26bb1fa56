"""Curricula: which tasks come next, and budgets that shrink."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_trainer.budgets import (
    Annealed,
    Effort,
    LengthReward,
    asked,
    budget_at,
    triangle,
    with_effort,
    with_length_reward,
)
from rl_trainer.curriculum import Informative, Window, chance_of_both, choose, weight_of
from rl_trainer.errors import CreditImpossible
from rl_trainer.pool import Pool, Tried, eligible
from rl_trainer.stages import PoolSettings
from rl_trainer.task import Task
from tests.rl_trainer.credit.conftest import a_group, few

RECORDS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.integers(0, 12).flatmap(lambda runs: st.builds(Tried, st.just(runs), st.integers(0, runs))),
    max_size=12,
)


@few
@given(RECORDS)
def test_the_window_draws_what_the_papers_rule_keeps(record: dict[str, Tried]) -> None:
    tasks = [Task(id=name, goal="", environment="swe") for name in record]
    kept = eligible(tasks, Pool(tried=record), PoolSettings(below=2 / 3, solved=True))
    assert set(choose(list(record), record, Window(), count=100, seed="s")) == {task.id for task in kept}


@few
@given(RECORDS, st.randoms(use_true_random=False), st.integers(0, 5))
def test_a_choice_depends_on_the_seed_and_not_on_the_order_of_the_tasks(record, order, count: int) -> None:
    tasks = list(record)
    found = choose(tasks, record, Informative(), count=count, seed="1")
    order.shuffle(tasks)
    assert choose(tasks, record, Informative(), count=count, seed="1") == found
    assert len(set(found)) == min(count, len(tasks))


def test_tasks_are_drawn_about_as_often_as_they_weigh() -> None:
    record = {"even": Tried(80, 40), "easy": Tried(80, 79)}
    weights = {task: weight_of(tried, Informative()) for task, tried in record.items()}
    drawn = Counter(choose(list(record), record, Informative(), count=1, seed=str(seed))[0] for seed in range(2000))
    assert drawn["even"] / 2000 == pytest.approx(weights["even"] / sum(weights.values()), abs=0.03)


def test_the_chance_of_both_outcomes_is_exact_for_an_even_prior_and_highest_in_the_middle() -> None:
    assert chance_of_both(1, 1, 2) == pytest.approx(1 / 3)
    assert chance_of_both(1, 1, 8) == pytest.approx(1 - 2 / 9)
    chances = [chance_of_both(1 + passed, 21 - passed, 8) for passed in range(21)]
    assert max(chances) == chances[10]
    assert chances[:11] == sorted(chances[:11])
    assert chances == pytest.approx(chances[::-1])


def test_a_budget_shrinks_step_by_step_and_never_below_its_least() -> None:
    settings = Annealed(start=256, decay=0.5, every=10, least=20)
    assert [budget_at(each, settings) for each in (0, 9, 10, 25, 40, 1000)] == [256, 256, 128, 64, 20, 20]
    assert budget_at(10_000, Annealed(start=256)) == 1


@pytest.mark.parametrize(("length", "worth"), [(0, 0.0), (50, 0.5), (100, 1.0), (150, 0.5), (200, 0.0), (900, 0.0)])
def test_the_length_reward_peaks_at_the_budget(length: int, worth: float) -> None:
    assert triangle(length, 100) == worth


def test_the_length_reward_is_a_part_of_its_own_in_each_reward() -> None:
    settings = LengthReward(budget=Annealed(start=4, decay=0.5, every=1), unit="turns", weight=0.2)
    group = with_length_reward(a_group(["ab", "abc"], [1, 0]), settings, iteration=1)
    assert [run.rewards for run in group.trajectories] == [
        {"outcome": 1, "length": 0.2},
        {"outcome": 0, "length": 0.1},
    ]


def test_effort_takes_the_reward_of_solved_runs_that_were_longer_than_asked_for() -> None:
    group = a_group(["ab", "ab", "abcdabcd", "abcd"], [1, 1, 1, 0])
    facts = [0.75, 0.4, 1.0, 0.5]
    runs = [
        msgspec.structs.replace(run, facts={"effort": each})
        for run, each in zip(group.trajectories, facts, strict=True)
    ]
    found = with_effort(msgspec.structs.replace(group, trajectories=tuple(runs)), Effort(fractions=(1.0,)))
    assert [run.reward for run in found.trajectories] == [1, 0, 0, 0]
    assert [run.rewards["effort"] for run in found.trajectories] == [0, -1, -1, 0]


def test_members_are_asked_for_every_effort_in_turn() -> None:
    assert [asked(member, Effort(fractions=(0.5, 1.0, 2.0))) for member in range(4)] == [0.5, 1.0, 2.0, 0.5]


def test_without_an_effort_that_was_asked_for_there_is_nothing_to_reward() -> None:
    with pytest.raises(CreditImpossible, match="was asked for none"):
        with_effort(a_group(["a", "b"], [1, 0]), Effort(fractions=(1.0,)))


def test_runs_whose_world_failed_have_no_length() -> None:
    group = a_group(["ab", "abcd"], [1, 0])
    lost = msgspec.structs.replace(group.trajectories[1], infra="gone", rewards={})
    group = msgspec.structs.replace(group, trajectories=(group.trajectories[0], lost))
    found = with_length_reward(group, LengthReward(budget=Annealed(start=4)), iteration=0)
    assert found.trajectories[1] == lost
    assert found.trajectories[0].reward == 1.1
