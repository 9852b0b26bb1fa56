"""Figures and how sure they are: against enumeration, tables, and what must hold for all values."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_trainer.statistics import (
    clustered_interval,
    mcnemar,
    mean_and_error,
    paired_interval,
    pass_at_k,
    seeds_interval,
    sign_test,
    t_quantile,
    wilson_interval,
)

counts = st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n)))
tasks = st.lists(st.lists(st.floats(-5, 5), min_size=1, max_size=4), min_size=1, max_size=8)


@given(counts)
def test_pass_at_k_is_the_share_of_choices_of_k_runs_that_have_a_pass(case: tuple[int, int, int]) -> None:
    samples, passed, k = case
    chosen = list(combinations([True] * passed + [False] * (samples - passed), k))
    assert pass_at_k(samples, passed, k) == pytest.approx(sum(map(any, chosen)) / len(chosen))


@given(counts)
def test_more_runs_never_make_a_pass_less_likely(case: tuple[int, int, int]) -> None:
    samples, passed, k = case
    assert pass_at_k(samples, passed, 1) == pytest.approx(passed / samples)
    assert k == samples or pass_at_k(samples, passed, k) <= pass_at_k(samples, passed, k + 1)


@pytest.mark.parametrize("case", [(3, 1, 4), (3, 4, 1), (3, 1, 0), (3, -1, 1)])
def test_pass_at_k_of_impossible_counts_is_refused(case: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="not defined"):
        pass_at_k(*case)


def test_the_standard_error_is_the_deviation_over_the_root_of_the_count() -> None:
    mean, error = mean_and_error([1.0, 2.0, 3.0, 4.0])
    assert (mean, error) == (2.5, pytest.approx(math.sqrt(5 / 3) / 2))
    assert math.isnan(mean_and_error([1.0])[1])


@settings(max_examples=30)
@given(tasks)
def test_an_interval_over_tasks_lies_within_the_tasks_and_is_the_same_again(clusters: list[list[float]]) -> None:
    low, high = clustered_interval(clusters, draws=300)
    means = [float(np.mean(runs)) for runs in clusters]
    assert min(means) - 1e-9 <= low <= high <= max(means) + 1e-9
    assert (low, high) == clustered_interval(clusters, draws=300)


@settings(max_examples=30)
@given(tasks)
def test_a_paired_interval_of_the_same_shift_everywhere_is_that_shift(clusters: list[list[float]]) -> None:
    after = [[each + 0.25 for each in runs] for runs in clusters]
    found = paired_interval(clusters, after, draws=300)
    assert (found.mean, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_pairs_are_surer_than_what_is_not_paired() -> None:
    rng = np.random.default_rng(0)
    before = [[float(each)] for each in rng.normal(size=40)]
    after = [[each[0] + 0.3 + rng.normal(scale=0.1)] for each in before]
    found = paired_interval(before, after)
    alone = clustered_interval(after)
    assert found.low > 0
    assert found.high - found.low < (alone[1] - alone[0]) / 3


def test_runs_of_one_task_do_not_count_as_new_tasks() -> None:
    once, often = [[0.0], [1.0]] * 10, [[0.0] * 50, [1.0] * 50] * 10
    assert clustered_interval(once) == clustered_interval(often)


def test_an_interval_over_tasks_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for seed in range(200):
        shares = rng.beta(2, 2, size=60)
        low, high = clustered_interval([list(rng.random(4) < share) for share in shares], draws=400, seed=seed)
        held += low <= 0.5 <= high
    assert 0.9 <= held / 200 <= 0.99


def test_different_numbers_of_tasks_are_not_pairs() -> None:
    with pytest.raises(ValueError, match="not pairs"):
        paired_interval([[1.0]], [[1.0], [2.0]])


@pytest.mark.parametrize("empty", [[], [[1.0], []]])
def test_an_interval_of_nothing_is_refused(empty: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        clustered_interval(empty)


@pytest.mark.parametrize(
    ("passed", "samples", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (1, 40, 0.0044, 0.1288)],
)
def test_wilson_has_the_values_of_the_tables(passed: int, samples: int, low: float, high: float) -> None:
    assert wilson_interval(passed, samples) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_a_share(case: tuple[int, int]) -> None:
    low, high = wilson_interval(*case)
    assert 0 <= low <= case[0] / case[1] <= high <= 1


@given(st.integers(0, 30), st.integers(0, 30))
def test_a_sign_test_does_not_care_which_side_is_which(better: int, worse: int) -> None:
    assert 0 < sign_test(better, worse) <= 1
    assert sign_test(better, worse) == sign_test(worse, better)


def test_a_sign_test_is_the_binomial_tail() -> None:
    assert sign_test(8, 0) == pytest.approx(2 / 2**8)
    assert sign_test(9, 1) == pytest.approx(2 * 11 / 2**10)
    assert sign_test(0, 0) == 1.0


def test_mcnemar_counts_only_the_pairs_that_changed() -> None:
    before = [True] * 20 + [False] * 20 + [False] * 8
    after = [True] * 20 + [False] * 20 + [True] * 8
    assert mcnemar(before, after) == pytest.approx(2 / 2**8)
    with pytest.raises(ValueError):
        mcnemar([True], [True, False])


@pytest.mark.parametrize(
    ("probability", "freedom", "t"),
    [(0.975, 1, 12.7062), (0.975, 2, 4.30265), (0.975, 3, 3.18245), (0.95, 10, 1.81246), (0.995, 29, 2.75639)],
)
def test_t_has_the_values_of_the_tables(probability: float, freedom: int, t: float) -> None:
    assert t_quantile(probability, freedom) == pytest.approx(t, rel=1e-5)
    assert t_quantile(1 - probability, freedom) == pytest.approx(-t, rel=1e-5)


def test_three_seeds_have_the_interval_of_student() -> None:
    found = seeds_interval([0.5, 0.6, 0.7])
    half = 4.30265 * 0.1 / math.sqrt(3)
    assert (found.mean, found.low, found.high) == pytest.approx((0.6, 0.6 - half, 0.6 + half), rel=1e-5)


def test_one_seed_says_nothing_of_the_others() -> None:
    assert seeds_interval([0.5]).high == math.inf
