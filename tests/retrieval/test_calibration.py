"""Knowing when nothing fits: the fit, what it looks at, and the figures by which it is judged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.calibration import (
    DEPTH,
    SIGNALS,
    Calibration,
    confidence,
    fit,
    nothing_fits,
    packaged_calibration,
    probabilities,
    signals_of,
    with_fit,
)
from retrieval.embedders import open_embedder
from retrieval.hit import Hit
from retrieval.reliability import area_under_risk, auroc, calibration_error, risk_coverage


def hits(*scores: float) -> list[Hit]:
    return [
        Hit(
            id=f"s/{place}",
            kind="tool",
            score=score,
            signals={"dense": score, "dense_rank": place, "lexical": score / 2, "lexical_rank": place},
            words=("log",),
        )
        for place, score in enumerate(scores, 1)
    ]


def calibration(**weights: float) -> Calibration:
    return Calibration(
        model="m",
        k=5,
        bias=0.0,
        weights={name: weights.get(name, 0.0) for name in SIGNALS},
        mean=dict.fromkeys(SIGNALS, 0.0),
        scale=dict.fromkeys(SIGNALS, 1.0),
    )


def test_the_signals_are_those_of_the_first_ten_hits() -> None:
    seen = dict(zip(SIGNALS, signals_of(hits(*np.linspace(0.9, 0.1, 20)), words=4), strict=True))
    assert seen["score"] == seen["dense_best"] == pytest.approx(0.9)
    assert seen["to_last"] == pytest.approx(0.8 * (DEPTH - 1) / 19)
    assert seen["agreement"] == 1
    assert seen["covered"] == 0.25


def test_one_hit_and_none_are_told_too() -> None:
    assert signals_of(hits(0.5), words=2)[SIGNALS.index("to_last")] == 0
    assert confidence(calibration(score=9.0), [], words=3) == 0


def test_a_search_that_fits_well_is_given_more() -> None:
    fitted = calibration(score=4.0)
    assert confidence(fitted, hits(0.9, 0.1), words=3) > confidence(fitted, hits(0.2, 0.1), words=3) > 0.5
    many = np.stack([signals_of(hits(0.9, 0.1), words=3)])
    assert probabilities(fitted, many)[0] == pytest.approx(confidence(fitted, hits(0.9, 0.1), words=3))


def test_hits_carry_the_fit_and_a_low_one_says_that_nothing_fits() -> None:
    found = with_fit(hits(0.9, 0.1), calibration(score=-9.0), words=3)
    assert {hit.signals["fit"] for hit in found} == {confidence(calibration(score=-9.0), hits(0.9, 0.1), words=3)}
    assert nothing_fits(found, 0.2)
    assert not nothing_fits(found, 0.0)
    assert not nothing_fits([], 0.2)
    assert not nothing_fits(with_fit(hits(0.9), None, words=3), 0.2), "no calibration, no statement"


def test_the_fit_finds_the_law_that_made_the_data() -> None:
    rng = np.random.default_rng(1)
    seen = rng.normal(size=(20_000, 3))
    right = rng.random(20_000) < 1 / (1 + np.exp(-(0.5 + seen @ [2.0, -1.0, 0.0])))
    bias, weights = fit(seen, right)
    assert [bias, *weights] == pytest.approx([0.5, 2.0, -1.0, 0.0], abs=0.1)
    heavier, _ = fit(seen, right, weights=np.where(right, 3.0, 1.0))
    assert heavier > bias + 0.8


def test_data_that_separates_has_finite_weights_and_data_of_one_kind_none() -> None:
    seen = np.array([[-1.0], [-0.5], [0.5], [1.0]])
    _, weights = fit(seen, np.array([False, False, True, True]))
    assert 0 < weights[0] < 10
    with pytest.raises(ValueError, match="some that did not"):
        fit(seen, np.ones(4, np.bool_))


def test_figures_of_perfect_and_useless_statements() -> None:
    right = np.array([True, True, False, False])
    assert auroc(np.array([0.9, 0.8, 0.2, 0.1]), right) == 1
    assert auroc(np.full(4, 0.5), right) == 0.5
    assert calibration_error(np.array([1.0, 1.0, 0.0, 0.0]), right) == 0
    assert calibration_error(np.full(4, 0.9), right) == pytest.approx(0.4)
    assert area_under_risk(np.array([0.9, 0.8, 0.2, 0.1]), right) == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1))
def test_all_covered_the_risk_is_the_share_of_wrong_ones(rows: list[tuple[float, bool]]) -> None:
    stated, right = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    coverage, risk = risk_coverage(stated, right)
    assert coverage[-1] == 1
    assert risk[-1] == pytest.approx(1 - right.mean())
    assert 0 <= calibration_error(stated, right) <= 1


def test_the_packaged_calibration_is_for_the_packaged_model_and_puts_a_clear_match_above_none() -> None:
    found = packaged_calibration(open_embedder(threads=1).id)
    assert found is not None
    assert set(found.weights) == set(found.mean) == set(found.scale) == set(SIGNALS)
    clear, vague = hits(0.9, *[0.3] * 9), hits(0.15, *[0.14] * 9)
    assert confidence(found, clear, words=4) > 0.5 > 0.2 > confidence(found, vague, words=4)
    assert packaged_calibration("another-model") is None
