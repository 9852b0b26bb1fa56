"""Credit for whole runs, and what holds for every estimator."""

import math
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_trainer.credit.group_relative import batch_scaled, centred_only
from rl_trainer.credit.settings import (
    Centred,
    Checkpoints,
    CreditSettings,
    EntropySequences,
    EntropyTokens,
    GroupRelative,
    KeyActions,
    LeaveOneOut,
    MeanNormalised,
    MemoryTurns,
    NestedStateGroups,
    PrefixValues,
    ProbabilityMask,
    Segments,
    SharedPrefixes,
    StateGroups,
)
from rl_trainer.errors import CreditImpossible
from tests.rl_trainer.credit.conftest import a_group, credited, few, flat, groups, same

ALWAYS = [
    GroupRelative(),
    Centred(),
    LeaveOneOut(),
    PrefixValues(),
    PrefixValues(level="token"),
    PrefixValues(level="turn", root=False),
    StateGroups(gamma=1.0),
    NestedStateGroups(gamma=1.0, history=2),
]
"""Estimators that learn from differences in rewards alone."""

MEASURED = [
    Segments(),
    Checkpoints(budgets=(1, 2, 4)),
    EntropyTokens(),
    EntropySequences(),
]
"""Estimators that look at what was measured on the way, too."""

MODIFIERS = (SharedPrefixes(), KeyActions(), MemoryTurns(), ProbabilityMask())


def firsts(group, estimator) -> list[float]:
    return [member[0][0] for member in flat(credited(group, estimator).advantages)]


def test_grpo_centres_rewards_and_divides_by_their_deviation() -> None:
    assert firsts(a_group(["a", "b", "c", "a"], [1, 0, 0, 1]), GroupRelative()) == pytest.approx(
        [1, -1, -1, 1], abs=1e-5
    )


def test_dr_grpo_only_centres() -> None:
    assert firsts(a_group(["a", "b", "c", "a"], [1, 0, 0, 0]), Centred()) == [0.75, -0.25, -0.25, -0.25]


def test_leave_one_out_compares_each_with_the_mean_of_the_others() -> None:
    assert firsts(a_group(["a", "b", "c"], [1, 0, 0.5]), LeaveOneOut()) == pytest.approx([0.75, -0.75, 0.0])
    assert firsts(a_group(["a"], [1]), LeaveOneOut()) == [0.0]


def test_max_rl_divides_by_the_mean_and_refuses_negative_rewards() -> None:
    assert firsts(a_group(["a", "b", "c", "a"], [1, 0, 0, 0]), MeanNormalised()) == pytest.approx(
        [3, -1, -1, -1], abs=1e-4
    )
    with pytest.raises(CreditImpossible, match="max_rl"):
        credited(a_group(["a", "b"], [1, -1]), MeanNormalised())


def test_over_a_batch_the_deviation_is_that_of_all_members() -> None:
    sets = [a_group(["a", "b"], [1, 0]), a_group(["a", "b"], [0, 0])]
    scaled = batch_scaled(sets, [centred_only(each) for each in sets])
    assert flat(scaled[0].advantages)[0][0][0] == pytest.approx(0.5 / math.sqrt(0.125), rel=1e-5)
    assert not scaled[1].informative


@pytest.mark.parametrize("estimator", ALWAYS + MEASURED, ids=lambda each: str(each))
@few
@given(group=groups(least=1), order=st.randoms(use_true_random=False))
def test_the_order_of_the_members_changes_nothing_to_the_bit(estimator, group, order: random.Random) -> None:
    places = list(range(len(group.trajectories)))
    order.shuffle(places)
    shuffled = msgspec.structs.replace(group, trajectories=tuple(group.trajectories[place] for place in places))
    one, other = credited(group, estimator, *MODIFIERS), credited(shuffled, estimator, *MODIFIERS)
    for name in ("advantages", "weights"):
        straight = flat(getattr(one, name))
        assert flat(getattr(other, name)) == [straight[place] for place in places]


@pytest.mark.parametrize("estimator", ALWAYS + MEASURED, ids=lambda each: str(each))
@few
@given(group=groups(least=3))
def test_runs_whose_world_failed_are_no_evidence_and_get_nothing(estimator, group) -> None:
    lost = msgspec.structs.replace(group.trajectories[1], infra="the container is gone", rewards={})
    runs = group.trajectories
    with_lost = msgspec.structs.replace(group, trajectories=(runs[0], lost, *runs[2:]))
    without = msgspec.structs.replace(group, trajectories=(runs[0], *runs[2:]))
    found, expected = credited(with_lost, estimator, *MODIFIERS), credited(without, estimator, *MODIFIERS)
    for name in ("advantages", "weights"):
        values = flat(getattr(found, name))
        assert all(value == 0 for turn in values.pop(1) for value in turn)
        assert values == flat(getattr(expected, name))


@pytest.mark.parametrize(
    "estimator", [*ALWAYS, MeanNormalised(), EntropyTokens(), EntropySequences()], ids=lambda each: str(each)
)
@few
@given(words=st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=6), reward=st.floats(0, 1))
def test_nothing_is_learnt_where_all_rewards_are_equal(estimator, words: list[str], reward: float) -> None:
    assert not credited(a_group(words, [reward] * len(words)), estimator).informative


@few
@given(groups())
def test_the_advantages_of_a_group_sum_to_nothing(group) -> None:
    for estimator in (GroupRelative(), Centred(), LeaveOneOut()):
        assert math.fsum(firsts(group, estimator)) == pytest.approx(0, abs=1e-9)


def test_a_group_in_which_every_world_failed_teaches_nothing() -> None:
    group = a_group(["a", "b"], [0, 1])
    lost = tuple(msgspec.structs.replace(run, infra="gone") for run in group.trajectories)
    assert not credited(msgspec.structs.replace(group, trajectories=lost), PrefixValues()).informative


def test_settings_are_read_from_a_recipe_and_refuse_what_a_variant_does_not_have() -> None:
    read = msgspec.convert(
        {"estimator": {"name": "gigpo", "gamma": 1.0}, "modifiers": [{"name": "lambda"}]}, CreditSettings
    )
    assert read == CreditSettings(estimator=StateGroups(gamma=1.0), modifiers=(SharedPrefixes(),))
    assert msgspec.convert({}, CreditSettings) == CreditSettings(estimator=GroupRelative())
    with pytest.raises(msgspec.ValidationError, match="gamma"):
        msgspec.convert({"estimator": {"name": "group", "gamma": 1.0}}, CreditSettings)


def test_without_modifiers_every_weight_is_one() -> None:
    group = a_group(["ab", "ac"], [0, 1])
    assert same(credited(group).weights, tuple(tuple(turn * 0 + 1 for turn in run) for run in credited(group).weights))
