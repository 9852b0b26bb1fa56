"""Several trainings at equal budgets of rollouts."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from rl_trainer.cli.report import app
from rl_trainer.errors import RecipeWrong, TrainingDataMissing
from rl_trainer.recipe import read_recipe
from rl_trainer.report.comparing import Curved, compare, curves_of, read_run
from rl_trainer.report.writing import compare_runs, write_comparison
from rl_trainer.run_folder import Record
from rl_trainer.statistics import seeds_interval
from tests.rl_trainer.report.conftest import evaluation, iteration

RECIPE = read_recipe("laptop")
FIGURE = "evaluation/pass@1"
TEMPO = {"credit__estimator__name": "tempo"}


def rising(*successes: float, each: int = 256) -> list[Record]:
    return [evaluation(place, success, rollouts=each * place) for place, success in enumerate(successes)]


@pytest.fixture
def six(a_run: Any) -> list[Path]:
    """Two variants with three seeds; the second one's runs are shorter, and were evaluated elsewhere."""
    plain = [a_run(f"plain{seed}", rising(0.2, 0.4, 0.6, 0.8), seed=str(seed)) for seed in range(3)]
    tree = [a_run(f"tree{seed}", rising(0.2, 0.3 + 0.1 * seed, each=512), seed=str(seed), **TEMPO) for seed in range(3)]
    return [*plain, *tree]


def test_all_are_judged_at_the_budget_that_every_run_has_spent(six: list[Path]) -> None:
    found = compare([read_run(run) for run in six])
    plain, tree = found.variants
    assert found.budget == 512
    assert plain.at_budget[FIGURE].mean == pytest.approx(0.6)
    expected = seeds_interval([0.3, 0.4, 0.5])
    point = tree.at_budget[FIGURE]
    assert (point.mean, point.low, point.high) == pytest.approx((expected.mean, expected.low, expected.high))
    assert plain.curve[-1].rollouts == 768, "a variant's own curve goes on"


def test_variants_are_told_apart_by_what_differs_in_their_recipes(six: list[Path]) -> None:
    found = compare([read_run(run) for run in six])
    assert [variant.seeds for variant in found.variants] == [(0, 1, 2), (0, 1, 2)]
    assert [variant.settings["credit.estimator.name"] for variant in found.variants] == ["group", "tempo"]
    assert [variant.name for variant in found.variants] == ["credit.estimator group", "credit.estimator tempo"]


def test_differences_are_paired_by_seed(six: list[Path]) -> None:
    (difference,) = compare([read_run(run) for run in six[1:]]).differences
    assert difference.seeds == (1, 2)
    assert difference.at_budget.mean == pytest.approx((0.4 + 0.5) / 2 - 0.6)
    half = (difference.at_budget.high - difference.at_budget.low) / 2
    assert half == pytest.approx(12.706 * 0.05, rel=1e-3), "t of one degree of freedom, times the error of two values"
    assert -0.2 < difference.along.mean < 0


def test_a_single_seed_has_no_interval(a_run: Any) -> None:
    runs = [a_run("one", rising(0.2, 0.4)), a_run("other", rising(0.2, 0.5), **TEMPO)]
    found = compare([read_run(run) for run in runs])
    assert math.isinf(found.variants[0].at_budget[FIGURE].high)
    text = write_comparison(found, runs[0].parent / "both.md").read_text()
    assert "+10 pp (one seed)" in text
    assert "inf" not in text
    assert "inf" not in (runs[0].parent / "both.svg").read_text()


def test_variants_may_be_named_where_recipes_say_too_much(a_run: Any) -> None:
    runs = [a_run(f"run{seed}", rising(0.2, 0.4), seed=str(seed), model__seed=str(seed)) for seed in range(2)]
    assert len(compare_runs([str(run) for run in runs], FIGURE).variants) == 2
    (variant,) = compare_runs([f"mine={run}" for run in runs], FIGURE).variants
    assert (variant.name, variant.seeds) == ("mine", (0, 1))


def test_the_same_run_twice_is_refused(a_run: Any) -> None:
    run = a_run("run", rising(0.2, 0.4))
    with pytest.raises(RecipeWrong, match="the same seed 0"):
        compare([read_run(run), read_run(run)])


def test_a_figure_that_a_run_lacks_is_named_with_those_that_there_are(a_run: Any) -> None:
    run = a_run("run", [iteration(1, 0.5)])
    with pytest.raises(TrainingDataMissing, match=r"evaluation/pass@1.*none"):
        compare([read_run(run)])
    assert compare([read_run(run)], "rollout/success").budget == 64


def test_the_command_writes_the_page_or_prints_the_same_as_data(six: list[Path]) -> None:
    named = [str(run) for run in six]
    out = six[0].parent / "compared.md"
    done = CliRunner().invoke(app, [*named, "--out", str(out)])
    assert done.output.strip() == str(out)
    text = out.read_text()
    assert "All figures at 512 rollouts" in text
    assert "## Success by kind at that budget" in text
    assert "![curves](compared.svg)" in text
    assert "<polygon" in out.with_suffix(".svg").read_text(), "a band over seeds"
    data = json.loads(CliRunner().invoke(app, [*named, "--json", "--metric", "evaluation/rollout/turns"]).output)
    assert data["figure"] == "evaluation/rollout/turns"


def test_the_interval_of_a_share_does_not_leave_what_a_share_can_be(a_run: Any) -> None:
    ends = (0.1, 0.9)
    runs = [a_run(f"run{seed}", rising(0.2, end), seed=str(seed)) for seed, end in enumerate(ends)]
    found = compare([read_run(run) for run in runs])
    text = write_comparison(found, runs[0].parent / "both.md").read_text()
    assert "50.0 % [0.0 %, 100.0 %]" in text


def test_of_two_records_at_the_same_number_of_rollouts_the_later_counts() -> None:
    records = [evaluation(1, 0.2, rollouts=64), evaluation(2, 0.4, rollouts=64), iteration(1, 0.9)]
    curves = curves_of(records)
    assert curves[FIGURE] == ((64.0, 0.4),)
    assert curves["rollout/success"] == ((64.0, 0.9),)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 20), st.floats(0, 1)), min_size=1, max_size=8), st.integers(0, 20))
def test_a_value_is_never_outside_its_neighbours(points: list[tuple[int, float]], at: int) -> None:
    once = tuple(sorted({float(place): value for place, value in points}.items()))
    found = Curved(folder="", recipe=RECIPE, values={FIGURE: once}).at(FIGURE, at)
    if math.isnan(found):
        assert not once[0][0] <= at <= once[-1][0]
    else:
        below = [value for place, value in once if place <= at][-1]
        above = next(value for place, value in once if place >= at)
        assert min(below, above) - 1e-9 <= found <= max(below, above) + 1e-9
