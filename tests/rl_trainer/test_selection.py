"""Selection: the rollouts that differ most, the tokens at which most was decided."""

from itertools import combinations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_trainer.errors import CreditImpossible
from rl_trainer.selection import D3S, Pods, d3s, decisive_tokens, informative, most_varied, pods, varied_members
from tests.rl_trainer.credit.conftest import a_group, credited, few, flat, groups, with_turns

VALUES = st.lists(st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 3.0]), min_size=1, max_size=8)


@few
@given(VALUES, st.integers(1, 8))
def test_scanning_finds_what_trying_all_sets_finds(values: list[float], keep: int) -> None:
    found = most_varied(values, keep)
    assert len(set(found)) == min(keep, len(values))
    best = max(np.var(each) for each in combinations(values, min(keep, len(values))))
    assert np.var([values[place] for place in found]) == pytest.approx(best)


def test_pods_keeps_the_best_and_the_worst_of_a_group_and_none_whose_world_failed() -> None:
    group = a_group(["a", "b", "c", "a", "b"], [0.5, 1, 0, 0.5, 9])
    lost = msgspec.structs.replace(group.trajectories[4], infra="gone")
    group = msgspec.structs.replace(group, trajectories=(*group.trajectories[:4], lost))
    assert [run.member for run in pods(group, Pods(keep=2)).trajectories] == [1, 2]
    assert [run.member for run in pods(group, Pods(keep=9)).trajectories] == [0, 1, 2, 3]


def test_rollouts_are_chosen_over_all_groups_of_a_batch() -> None:
    sets = [a_group(["a", "b", "c"], [1, 0, 0]), a_group(["a", "b"], [1, 1])]
    found = varied_members([(each, credited(each)) for each in sets], 0.4)
    assert [[run.member for run in group.trajectories] for group, _ in found] == [[0, 1]]
    assert [len(credit.advantages) for _, credit in found] == [2]


def test_tokens_are_chosen_by_advantage_times_entropy_over_the_whole_batch() -> None:
    group = a_group(["ab", "c"], [1, 0])
    group = with_turns(group, 0, entropies=[(0.1, 0.9), (0.2, 0.2)])
    group = with_turns(group, 1, entropies=[(0.8, 0.0)])
    ((_, credit),) = decisive_tokens([(group, credited(group))], 1 / 3)
    assert flat(credit.weights) == [[[0, 1], [0, 0]], [[1, 0]]]


@few
@given(st.lists(groups(), min_size=1, max_size=3), st.floats(0.01, 1))
def test_as_many_tokens_stay_as_were_asked_for(batch, share: float) -> None:
    found = decisive_tokens([(each, credited(each)) for each in batch], share)
    weights = [each for _, credit in found for run in flat(credit.weights) for turn in run for each in turn]
    assert sum(weights) == np.ceil(share * len(weights))


def test_d3s_goes_linearly_from_its_first_shares_to_its_last() -> None:
    groups_ = [a_group(["ab", "ac", "bb", "cc"], [1, 0, 0, 1])]
    scored = [(each, credited(each)) for each in groups_]
    settings = D3S(rollouts=(1.0, 0.5), tokens=(1.0, 0.5))
    for progress, runs, tokens in ((0.0, 4, 16), (0.5, 3, 9), (1.0, 2, 4)):
        ((group, credit),) = d3s(scored, settings, progress=progress)
        assert len(group.trajectories) == runs
        assert sum(each for run in flat(credit.weights) for turn in run for each in turn) == tokens


def test_choosing_tokens_without_entropies_says_what_would_give_them() -> None:
    group = with_turns(a_group(["a", "b"], [1, 0]), 1, entropies=[()])
    with pytest.raises(CreditImpossible, match=r"run 1 .* has none"):
        d3s([(group, credited(group))], D3S(rollouts=(1.0, 1.0)), progress=1.0)
    assert d3s([(group, credited(group))], D3S(tokens=(1.0, 1.0)), progress=0.0)


def test_groups_without_variance_are_dropped() -> None:
    sets = [a_group(["a", "b"], rewards) for rewards in ([1, 0], [1, 1], [0, 0])]
    assert informative([(each, credited(each)) for each in sets])[0][0] is sets[0]
    assert len(informative([(each, credited(each)) for each in sets])) == 1
