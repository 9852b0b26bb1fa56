"""TDWA: the weighted mean of a tool's parts."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retrieval.strategies.opened import open_strategy
from retrieval.tdwa import PRESETS, TdwaWeights, parts_of, tdwa, tdwa_vectors
from retrieval.testing import HashEmbedder
from retrieval.tool import ToolSpec

PARTS = ("name", "description", "parameters", "questions", "server")
FORECAST = ToolSpec(
    server="toucan_servers.acme-weather-mcp",
    name="getForecast",
    description="Get the weather for a place.",
    input_schema={"type": "object", "properties": {"postCode": {"type": "string", "description": "Where"}}},
)
CLOCK = ToolSpec(server="time", name="now", description="")

vectors = hnp.arrays(np.float32, (3, 4), elements=st.floats(-1, 1, width=32))
weights = st.lists(st.floats(0, 1), min_size=5, max_size=5).filter(lambda given: max(given) > 0.01)


def weighted(*given: float) -> TdwaWeights:
    return TdwaWeights(**dict(zip(PARTS, given, strict=True)))


@given(parts=st.lists(vectors, min_size=5, max_size=5), given_weights=weights)
def test_any_parts_make_unit_vectors(parts: list[np.ndarray], given_weights: list[float]) -> None:
    made = tdwa(dict(zip(PARTS, parts, strict=True)), weighted(*given_weights))
    assert made.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-4)


@given(parts=st.lists(vectors, min_size=5, max_size=5), given_weights=weights, times=st.floats(0.5, 8))
def test_only_the_proportions_of_weights_matter(
    parts: list[np.ndarray], given_weights: list[float], times: float
) -> None:
    named = dict(zip(PARTS, (part + 2 for part in parts), strict=True))  # +2: no sum is near 0
    scaled = weighted(*(weight * times for weight in given_weights))
    np.testing.assert_allclose(tdwa(named, weighted(*given_weights)), tdwa(named, scaled), atol=1e-5)


@given(part=vectors, given_weights=weights)
def test_a_tool_whose_parts_say_the_same_is_that_part(part: np.ndarray, given_weights: list[float]) -> None:
    part = part + 2
    made = tdwa(dict.fromkeys(PARTS, part), weighted(*given_weights))
    np.testing.assert_allclose(made, part / np.linalg.norm(part, axis=1, keepdims=True), atol=1e-5)


def test_an_absent_part_leaves_its_weight_to_the_others_in_proportion() -> None:
    x, y, none = (np.array([row], np.float32) for row in ([1, 0], [0, 1], [0, 0]))
    with_none = tdwa(
        {"name": x, "description": y, "questions": none}, TdwaWeights(name=0.1, description=0.3, questions=0.6)
    )
    without = tdwa({"name": x, "description": y}, TdwaWeights(name=0.25, description=0.75, questions=0))
    np.testing.assert_allclose(with_none, without, atol=1e-6)
    np.testing.assert_allclose(with_none[0, 1] / with_none[0, 0], 3, atol=1e-5)


def test_a_tool_without_any_weighted_part_gets_the_mean_of_what_it_has() -> None:
    x, none = np.array([[1, 0]], np.float32), np.array([[0, 0]], np.float32)
    only_questions = weighted(0, 0, 0, 1, 0)
    np.testing.assert_array_equal(tdwa({"name": x, "questions": none}, only_questions), x)


def test_parts_that_cancel_out_still_make_a_unit_vector() -> None:
    x = np.array([[1, 0]], np.float32)
    made = tdwa({"name": x, "description": -x}, TdwaWeights(name=0.5, description=0.5))
    np.testing.assert_allclose(np.linalg.norm(made), 1)


def test_parts_are_what_people_would_say() -> None:
    assert parts_of(FORECAST, ["Will it rain?", "How warm is it?"]) == {
        "name": "get forecast",
        "description": "Get the weather for a place.",
        "parameters": "post code. Where",
        "questions": "Will it rain? How warm is it?",
        "server": "acme weather",
    }


def test_a_tool_is_near_what_is_asked_of_it_once_it_has_questions() -> None:
    embedder = HashEmbedder(512)
    query = embedder.embed(["will it rain tomorrow"])[0]
    without = tdwa_vectors([FORECAST], TdwaWeights(), embed=embedder.embed)[0]
    with_one = tdwa_vectors(
        [FORECAST], TdwaWeights(), embed=embedder.embed, questions=lambda _: ["Will it rain tomorrow?"]
    )[0]
    assert with_one @ query > without @ query + 0.1


def test_a_tool_without_questions_is_found_by_weights_that_want_only_them() -> None:
    made = tdwa_vectors([CLOCK, FORECAST], weighted(0, 0, 0, 1, 0), embed=HashEmbedder().embed)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    assert made[0] @ HashEmbedder().embed(["now"])[0] > 0.5


@pytest.mark.parametrize("given", [{"name": -0.1}, dict.fromkeys(PARTS, 0.0)])
def test_weights_that_mean_nothing_are_refused(given: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="TDWA weights"):
        TdwaWeights(**given)


def test_presets_sum_to_one() -> None:
    for preset in PRESETS.values():
        assert sum(getattr(preset, part) for part in PARTS) == pytest.approx(1)


def test_the_vectors_of_parts_are_embedded_once(tmp_path: Path) -> None:
    first = HashEmbedder()
    open_strategy("tdwa", [FORECAST, CLOCK], embedder=first, folder=tmp_path)
    asked: list[str] = []

    class Watched(HashEmbedder):
        def embed(self, texts, **how):  # type: ignore[no-untyped-def]
            asked.extend(texts)
            return super().embed(texts, **how)

    open_strategy("tdwa", [FORECAST, CLOCK], embedder=Watched(), folder=tmp_path)
    assert asked == []
