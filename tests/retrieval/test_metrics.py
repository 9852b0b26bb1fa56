"""The measures: known values, and what holds for every ranking."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.metrics import (
    METRICS,
    Interval,
    average_precision,
    completeness,
    interval,
    intervals,
    ndcg,
    paired_difference,
    recall,
    reciprocal_rank,
)

_IDS = [f"s/t{number}" for number in range(12)]
rankings = st.lists(st.sampled_from(_IDS), unique=True)
group_numbers = st.lists(st.integers(0, 3), min_size=len(_IDS), max_size=len(_IDS))
depths = st.integers(1, 15)
metrics = st.sampled_from(sorted(METRICS))


@st.composite
def needs(draw):
    """Groups without common ids: numbers 1 to 3 are groups, 0 is needed by nobody."""
    numbers = draw(group_numbers)
    groups = [{id_ for id_, number in zip(_IDS, numbers, strict=True) if number == wanted} for wanted in (1, 2, 3)]
    return [group for group in groups if group] or [{_IDS[0]}]


def test_known_values_of_a_ranking_that_meets_two_of_three_needs():
    found = ["a", "x", "b", "b2", "y"]
    needed = [{"a"}, {"b", "b2"}, {"c"}]
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert recall(found, needed, 5) == pytest.approx(2 / 3)
    assert ndcg(found, needed, 5) == pytest.approx((1 + 1 / math.log2(4)) / ideal)
    assert average_precision(found, needed, 5) == pytest.approx((1 + 2 / 3) / 3)
    assert completeness(found, needed, 5) == 0
    assert completeness([*found, "c"], needed, 6) == 1
    assert reciprocal_rank(["x", "a"], needed, 5) == 0.5
    assert reciprocal_rank(["x"], needed, 5) == 0


def test_an_alternative_of_a_need_that_is_met_gains_nothing():
    needed = [{"b", "b2"}, {"c"}]
    for metric in METRICS.values():
        assert metric(["b", "b2"], needed, 2) == metric(["b", "x"], needed, 2)


@given(rankings, needs(), depths, metrics)
def test_every_measure_lies_between_0_and_1(found, needed, k, name):
    assert 0 <= METRICS[name](found, needed, k) <= 1 + 1e-12


@given(needs(), depths, metrics)
def test_a_ranking_with_one_of_each_need_in_front_is_perfect_where_k_allows(needed, k, name):
    found = [min(group) for group in needed]
    perfect = METRICS[name](found, needed, max(k, len(needed)))
    assert perfect == pytest.approx(1)
    assert ndcg(found, needed, k) == pytest.approx(1)
    assert average_precision(found, needed, k) == pytest.approx(1)


@given(rankings, needs(), depths)
def test_recall_completeness_and_reciprocal_rank_never_fall_as_k_grows(found, needed, k):
    for metric in (recall, completeness, reciprocal_rank):
        assert metric(found, needed, k) <= metric(found, needed, k + 1)


@given(rankings, needs(), depths)
def test_complete_is_the_same_as_full_recall(found, needed, k):
    assert (completeness(found, needed, k) == 1) == (recall(found, needed, k) == 1)


@given(rankings, needs(), depths, metrics)
def test_what_stands_after_the_first_k_does_not_matter(found, needed, k, name):
    assert METRICS[name](found, needed, k) == METRICS[name](found[:k], needed, k)


@given(rankings, needs(), depths, st.randoms(use_true_random=False))
def test_the_order_of_the_needs_does_not_matter(found, needed, k, random):
    shuffled = list(needed)
    random.shuffle(shuffled)
    for metric in METRICS.values():
        assert metric(found, needed, k) == metric(found, shuffled, k)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(0, 5))
def test_an_interval_lies_within_its_figures_and_is_the_same_for_the_same_seed(values, seed):
    first = interval(values, seed=seed, resamples=100)
    assert min(values) - 1e-9 <= first.low <= first.high <= max(values) + 1e-9
    assert first == interval(values, seed=seed, resamples=100)


def test_an_interval_of_figures_that_are_all_alike_has_no_width():
    assert interval([0.25] * 7) == Interval(mean=0.25, low=0.25, high=0.25)


def test_more_queries_make_the_interval_narrower_as_theory_says():
    coins = np.random.default_rng(3).integers(0, 2, size=6400).astype(float)
    narrow, wide = interval(coins), interval(coins[:100])
    assert wide.high - wide.low == pytest.approx(2 * 1.96 * 0.5 / 10, rel=0.2)
    assert narrow.high - narrow.low == pytest.approx(2 * 1.96 * 0.5 / 80, rel=0.2)


def test_columns_have_the_same_intervals_together_as_alone():
    table = np.random.default_rng(4).random((50, 3))
    for together, column in zip(intervals(table), table.T, strict=True):
        alone = interval(column)
        assert (together.mean, together.low, together.high) == pytest.approx((alone.mean, alone.low, alone.high))


def test_a_paired_difference_is_narrower_than_two_intervals_when_the_queries_differ_in_difficulty():
    hard = np.random.default_rng(5).random(200)
    better = hard + 0.05
    difference = paired_difference(better, hard)
    assert difference.mean == pytest.approx(0.05)
    assert difference.high - difference.low < 1e-9
    assert interval(better).low < interval(hard).high


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: recall(["a"], [], 1), "needs nothing"),
        (lambda: recall(["a"], [{"a"}], 0), "at least 1"),
        (lambda: interval([]), "at least one query"),
        (lambda: paired_difference([1.0], [1.0, 0.0]), "same queries"),
    ],
)
def test_misuse_says_what_is_wrong(call, says):
    with pytest.raises(ValueError, match=says):
        call()
