"""From queries to tables and pictures, over a real strategy."""

from pathlib import Path

import numpy as np
import pytest

from retrieval.bench.figures import SetFigures, figures_of
from retrieval.bench.labelled import read_labelled_set
from retrieval.bench.measured import MEASURES, Measured, estimated_tokens, measure
from retrieval.bench.plots import draw_set
from retrieval.bench.report import report
from retrieval.strategies.opened import open_strategy
from retrieval.testing import HashEmbedder
from retrieval.tool import ToolSpec


@pytest.fixture
def figures(folder: Path, tmp_path: Path) -> SetFigures:
    labelled = read_labelled_set(folder, "small")
    tokens = {tool.tool_id: estimated_tokens(tool) for tool in labelled.tools}
    measured = [
        measure(
            open_strategy(name, labelled.tools, embedder=HashEmbedder(), folder=tmp_path / "work"),
            labelled.queries,
            depths=(1, 3),
            tokens=tokens,
        )
        for name in ("bm25", "dense_plain")
    ]
    return figures_of(labelled, measured, seed=1)


def test_figures_are_the_means_over_the_queries(figures: SetFigures) -> None:
    words = figures.strategies[0]
    # q1 is met at once, q2 needs two, q3 needs what is not there.
    assert words.means["Recall"][1].mean == pytest.approx((1 + 0.5 + 0) / 3)
    assert words.means["Recall"][3].mean == pytest.approx(2 / 3)
    assert words.means["Completeness"][1].mean == pytest.approx(1 / 3)
    assert words.means["Completeness"][3].mean == pytest.approx(2 / 3)
    assert set(words.means) == set(MEASURES)


def test_only_the_others_have_a_difference_to_the_first(figures: SetFigures) -> None:
    first, second = figures.strategies
    assert first.differences == {}
    expected = second.means["nDCG"][3].mean - first.means["nDCG"][3].mean
    assert second.differences["nDCG"][3].mean == pytest.approx(expected)


def test_more_hits_take_more_tokens(figures: SetFigures) -> None:
    for each in figures.strategies:
        assert 0 < each.tokens[1] <= each.tokens[3]
        assert 0 < each.p50_ms <= each.p99_ms


def test_tokens_are_a_quarter_of_what_an_agent_would_be_shown() -> None:
    tool = ToolSpec(server="s", name="t", description="d" * 400, input_schema={})
    shown = '{"tool_id": "s/t", "description": "", "input_schema": {}}'
    assert estimated_tokens(tool) == (400 + len(shown)) / 4


def test_the_report_has_the_conditions_every_measure_and_what_is_absent(figures: SetFigures) -> None:
    text = report([figures], ["2 cores"], plots=True)
    assert "- 2 cores" in text
    assert "## small: 3 queries over 4 tools" in text
    assert "1 needed tools are not in the set" in text
    assert "![small](small.png)" in text
    assert all(f"| {name}" in text for name in MEASURES)
    assert "Difference to bm25" in text


def test_a_difference_without_0_in_its_interval_has_a_star(folder: Path) -> None:
    labelled = read_labelled_set(folder, "small")
    shape = (3, len(MEASURES), 1)

    def scored(name: str, value: float) -> Measured:
        return Measured(
            strategy=name, depths=(1,), scores=np.full(shape, value), tokens=np.ones((3, 1)), seconds=np.ones(3)
        )

    text = report(
        [figures_of(labelled, [scored("a", 0.5), scored("b", 0.75), scored("c", 0.5)], seed=1)], [], plots=False
    )
    assert "+0.250 (+0.250 to +0.250) *" in text
    assert "+0.000 (+0.000 to +0.000) *" not in text


def test_a_set_is_drawn_as_a_png(figures: SetFigures, tmp_path: Path) -> None:
    draw_set(figures, tmp_path / "small.png")
    assert (tmp_path / "small.png").read_bytes().startswith(b"\x89PNG")
