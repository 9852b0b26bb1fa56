from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rl_trainer.errors import SamplingBiased
from rl_trainer.guard import check_drift, check_sampling, measure_drift
from rl_trainer.policy import Sampling

Floats = NDArray[Any]

LOGITS = np.random.default_rng(0).normal(scale=3.0, size=(400, 50))


def log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def drawn(logits: Floats) -> tuple[Floats, Floats]:
    """An id from each row, and its log-probability there."""
    odds = log_softmax(logits)
    ids = np.array([np.random.default_rng(row).choice(50, p=np.exp(each)) for row, each in enumerate(odds)])
    return ids, odds[np.arange(len(ids)), ids]


def trained(ids: Floats) -> Floats:
    return log_softmax(LOGITS)[np.arange(len(ids)), ids]


def test_a_whole_distribution_passes() -> None:
    check_sampling(Sampling(), Sampling())
    check_sampling(Sampling(temperature=0.8), Sampling(top_k=-1), trained=0.8)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top_k", 20),
        ("top_p", 0.95),
        ("min_p", 0.05),
        ("repetition_penalty", 1.1),
        ("presence_penalty", 0.5),
        ("frequency_penalty", -0.5),
    ],
)
def test_what_cuts_or_tilts_is_refused_by_name_whoever_set_it(name: str, value: float) -> None:
    with pytest.raises(SamplingBiased, match=rf"{name} {value:g} \(asked for by the recipe\)"):
        check_sampling(Sampling(**{name: value}), Sampling())
    with pytest.raises(
        SamplingBiased, match=rf"{name} {value:g} \(set by the engine itself\).*--generation-config vllm"
    ):
        check_sampling(Sampling(), Sampling(**{name: value}))


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(SamplingBiased, match=r"top_p 0\.9.*top_k 20"):
        check_sampling(Sampling(), Sampling(top_k=20, top_p=0.9))


def test_temperatures_must_be_one() -> None:
    with pytest.raises(SamplingBiased, match=r"0\.7"):
        check_sampling(Sampling(), Sampling(temperature=0.7))
    with pytest.raises(SamplingBiased, match="make them one"):
        check_sampling(Sampling(temperature=0.8), Sampling(), trained=1.0)
    with pytest.raises(SamplingBiased, match="explores nothing"):
        check_sampling(Sampling(temperature=0.0), Sampling())


def test_equal_log_probabilities_have_no_drift() -> None:
    ids, logprobs = drawn(LOGITS)
    drift = measure_drift(trained(ids), logprobs)
    assert drift.max < 1e-12
    assert drift.tokens == 400
    check_drift(drift, 1e-6)


def test_only_learnt_tokens_count() -> None:
    drift = measure_drift([-1.0, -9.0, -2.0], [-1.0, -1.0, -2.25], [True, False, True])
    assert (drift.tokens, drift.max, drift.mean) == (2, 0.25, 0.125)
    assert drift.k1 == pytest.approx(-0.125)


def test_no_tokens_have_no_drift() -> None:
    check_drift(measure_drift([], []), 0.0)


def test_top_k_is_recognised() -> None:
    cut = np.where(np.sort(LOGITS)[:, -5:-4] <= LOGITS, LOGITS, -np.inf)
    ids, logprobs = drawn(cut)
    with pytest.raises(SamplingBiased, match="top_k, top_p or min_p"):
        check_drift(measure_drift(trained(ids), logprobs), 0.01)


def test_log_probabilities_from_before_the_temperature_are_recognised() -> None:
    ids, tempered = drawn(LOGITS / 1.7)
    with pytest.raises(SamplingBiased, match="processed_logprobs"):
        check_drift(measure_drift(tempered, trained(ids)), 0.01)


def test_single_tokens_are_recognised() -> None:
    ids, logprobs = drawn(LOGITS)
    ours = trained(ids)
    ours[7] -= 6.0
    with pytest.raises(SamplingBiased, match="single tokens only"):
        check_drift(measure_drift(ours, logprobs), 0.01)


def test_other_weights_are_recognised() -> None:
    ids, _ = drawn(LOGITS)
    other = log_softmax(np.random.default_rng(1).normal(scale=3.0, size=LOGITS.shape))[np.arange(len(ids)), ids]
    with pytest.raises(SamplingBiased, match="other weights"):
        check_drift(measure_drift(other, trained(ids)), 0.01)


def test_low_precision_is_recognised() -> None:
    ids, logprobs = drawn(LOGITS)
    noise = np.random.default_rng(2).normal(scale=0.01, size=len(ids))
    with pytest.raises(SamplingBiased, match="low precision"):
        check_drift(measure_drift(trained(ids) + noise, logprobs), 1e-3)


def test_a_value_that_is_no_number_is_refused_and_counted_out() -> None:
    drift = measure_drift([-1.0, -np.inf, -2.0], [-1.0, -1.0, -2.0])
    assert drift.tokens == 2
    with pytest.raises(SamplingBiased, match="no numbers"):
        check_drift(drift, 1.0)


def test_a_mean_beyond_its_limit_is_refused_though_no_token_is() -> None:
    drift = measure_drift([-1.0, -2.0, -3.0], [-1.1, -2.1, -2.9])
    check_drift(drift, 1.0)
    with pytest.raises(SamplingBiased, match=r"0\.05 \(mean\)"):
        check_drift(drift, 1.0, mean=0.05)


@given(st.lists(st.tuples(st.floats(-30, 0), st.floats(-30, 0)), min_size=1, max_size=50))
def test_divergence_is_never_negative_and_quantiles_rise(pairs: list[tuple[float, float]]) -> None:
    drift = measure_drift(*zip(*pairs, strict=True))
    assert drift.k3 >= -1e-9
    values = list(drift.quantiles.values())
    assert values == sorted(values)
    assert values[-1] <= drift.max
