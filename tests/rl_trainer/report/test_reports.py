"""The report of one training: what it says, what it warns of, and what it does not pretend to know."""

import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from rl_trainer.cli.report import app
from rl_trainer.errors import CheckpointDamaged
from rl_trainer.report.axes import Axis, label, ticks
from rl_trainer.report.curves import Curve, Panel, draw
from rl_trainer.report.markdown import one_line
from rl_trainer.report.shortcut import shortcut_of
from rl_trainer.report.writing import report_of, write_report
from rl_trainer.run_folder import Record
from tests.rl_trainer.report.conftest import evaluation, iteration

FINE_TUNING = [
    Record(kind="step", stage="start", iteration=step, total=step, rollouts=0, values={"step/loss": 1 / step})
    for step in range(1, 101)
]
RISING = [
    *FINE_TUNING,
    *(iteration(place, 0.2 + 0.06 * place) for place in range(1, 11)),
    evaluation(0, 0.2),
    evaluation(10, 0.7),
]


def texts(svg: str) -> list[str]:
    """What can be read in a picture; it must be XML."""
    return [each.text or "" for each in ElementTree.fromstring(svg).iter() if each.tag.endswith("text")]


def test_a_report_says_where_success_began_and_ended_with_intervals_and_what_was_wasted(a_run: Any) -> None:
    file = write_report(a_run("run", RISING))
    text = file.read_text()
    assert "from 20.0 % [10.0 %, 30.0 %] to 70.0 % [60.0 %, 80.0 %] with 640 rollouts" in text
    assert "| rl | DAPO | 10 | 20 | 640 | 160 (25.0 %) |" in text, "2 of 8 groups of 8 runs, 10 times"
    assert "| start | rejection fine-tuning | 100 | 100 | 0 | – |" in text
    assert "| success, tasks learnt from | 38.0 % | 68.0 % |" in text
    assert "| condition |" in text
    assert "**Warning.**" not in text
    assert "How other seeds would do" in text
    assert "The test sets" in text


def test_the_curves_are_a_file_of_their_own_that_the_report_shows(a_run: Any) -> None:
    run = a_run("run", RISING)
    write_report(run)
    assert "![curves](report.svg)" in (run / "report.md").read_text()
    shown = texts((run / "report.svg").read_text())
    for title in ("success", "success by kind", "reward, part by part", "turns of a run", "drift of log-probabilities"):
        assert any(text.startswith(title) for text in shown)


def test_half_a_line_that_a_killed_training_left_is_passed_over(a_run: Any) -> None:
    run = a_run("run", RISING)
    whole = report_of(run)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"kind":"iteration","stage":"rl","iter')
    assert report_of(run) == whole


def test_a_step_whose_loss_was_no_number_leaves_a_run_that_can_be_read(a_run: Any) -> None:
    run = a_run("run", [iteration(1, 0.5, step__loss=math.nan, step__skipped=1.0), iteration(2, 0.5)])
    assert report_of(run).stages[0].figures["step/loss"].last == pytest.approx(0.1)


def test_a_training_that_has_only_begun_has_a_report(a_run: Any) -> None:
    run = a_run("run", [])
    write_report(run)
    text = (run / "report.md").read_text()
    assert "Nothing was evaluated yet." in text
    assert "None has begun." in text
    assert "not measured" in texts((run / "report.svg").read_text())


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointDamaged, match="not the folder of a training"):
        write_report(tmp_path)


def stuck(kinds: dict[str, float], success: float = 0.39) -> list[Record]:
    named = {f"success__{kind}": value for kind, value in kinds.items()}
    return [iteration(place, min(success, 0.05 * place), **named) for place in range(1, 25)]


def test_success_that_stands_at_the_share_of_one_kind_is_called_a_shortcut(a_run: Any) -> None:
    records = stuck({"condition": 0.97, "init": 0.02, "return": 0.0})
    run = a_run("run", records)
    found = report_of(run).shortcut
    assert found is not None
    assert found.solved == {"condition": pytest.approx(0.97)}
    assert set(found.unsolved) == {"init", "return"}
    text = write_report(run).read_text()
    assert "Success has stood at 39.0 % for 12 iterations" in text
    assert "condition 97.0 %; next to nothing of init 2.0 %, return 0.0 %" in text


@pytest.mark.parametrize(
    "records",
    [
        stuck({"condition": 0.4, "init": 0.38, "return": 0.4}),
        stuck({"condition": 0.97, "init": 0.5, "return": 0.0}),
        stuck({"condition": 0.99, "init": 0.97, "return": 0.98}, success=0.98),
        [iteration(place, 0.04 * place, success__condition=0.97, success__init=0.0) for place in range(1, 25)],
        stuck({"condition": 0.97, "init": 0.0})[:6],
    ],
    ids=["all kinds alike", "a kind half-way", "everything solved", "still rising", "too early to say"],
)
def test_other_curves_are_not_called_a_shortcut(records: list[Record]) -> None:
    assert shortcut_of(records) is None


def test_what_went_wrong_is_said(a_run: Any) -> None:
    early = [
        iteration(place, 0.3, rollout__tested_before_submit=0.9, step__entropy=0.5, rollout__cheat=0.0)
        for place in range(1, 6)
    ]
    late = [
        iteration(
            place,
            0.3,
            rollout__tested_before_submit=0.2,
            step__entropy=0.01,
            rollout__cheat=0.1,
            groups__uninformative=7.0,
            rollout__infra=20.0,
            step__skipped=1.0,
            step__clip_fraction=0.4,
        )
        for place in range(6, 16)
    ]
    warnings = "\n".join(report_of(a_run("run", [*early, *late])).warnings)
    for words in (
        "tests before submitting fell from 90.0 % to 20.0 %",
        "10.0 % of the last runs tried to cheat",
        "entropy fell from 0.5 to 0.01",
        "without variance",
        "the world broke",
        "10 optimiser steps had no finite gradient",
        "40.0 % of the tokens are clipped",
    ):
        assert words in warnings


def test_an_iteration_without_a_step_leaves_a_gap_and_is_counted(a_run: Any) -> None:
    idle = {"step__updates": 0.0, "step__entropy": 0.0, "drift__max": 0.0, "step__loss": 0.0}
    records = [iteration(place, 0.3, **{"step__entropy": 0.5, **(idle if place == 3 else {})}) for place in range(1, 6)]
    (stage,) = report_of(a_run("run", records)).stages
    assert stage.idle == 1
    assert stage.figures["step/loss"].last == pytest.approx(0.1)
    assert any(
        "found nothing to learn from, and made no step: 1" in each
        for each in report_of(a_run("other", records)).warnings
    )


def test_test_sets_that_were_run_stand_in_the_report(a_run: Any) -> None:
    run = a_run("run", RISING)
    row = {"evaluation/tasks": 12.0, "evaluation/samples": 4.0, "evaluation/pass@1": 0.5, "evaluation/low": 0.25}
    (run / "evaluation.json").write_text(json.dumps({"held_out_kinds": row}))
    text = write_report(run).read_text()
    assert "| held_out_kinds | 12 x 4 | 50.0 % | 25.0 % to – |" in text
    assert "The test sets" not in text
    (run / "evaluation.json").write_text("[]")
    assert report_of(run).tests == {}


def test_names_from_a_task_file_bring_neither_html_nor_table_cells_along(a_run: Any) -> None:
    kind = "<img src=x onerror=alert(1)>|[a](javascript:b)"
    run = a_run(
        "run", [iteration(place, 0.5, **{f"success/{kind}": 0.5, "success/init": 0.5}) for place in range(1, 4)]
    )
    text = write_report(run).read_text()
    assert "<img" not in text
    assert one_line(kind) in text
    assert "\\|" in text
    assert "<img" not in (run / "report.svg").read_text()
    assert kind in texts((run / "report.svg").read_text())


def test_the_command_prints_where_the_report_is_and_the_same_as_data(a_run: Any) -> None:
    run = a_run("run", RISING)
    runner = CliRunner()
    assert runner.invoke(app, [str(run)]).output.strip() == str(run / "report.md")
    data = json.loads(runner.invoke(app, [str(run), "--json"]).output)
    assert data["stages"][1]["wasted"] == 160
    assert [row["mean"] for row in data["evaluations"]] == [0.2, 0.7]


def test_a_curve_has_gaps_where_nothing_was_measured() -> None:
    x, y = (0.0, 1.0, 2.0, 3.0), (0.1, math.nan, 0.3, 0.4)
    svg = draw([Panel(title="a < b", curves=(Curve(name="c", x=x, y=y, low=y, high=y),), unit="share")])
    ElementTree.fromstring(svg)
    assert svg.count("M") - svg.count("MH") >= 2
    assert "nan" not in svg


def test_ticks_are_round_and_lie_on_the_axis() -> None:
    assert ticks(0.0, 1.0, 4) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert [label(value) for value in ticks(0.0, 4.2e-6, 4)] == ["0", "2.0e-6", "4.0e-6"]
    assert ticks(1.0, 1.0, 4) == []
    axis = Axis.over([5.0], 0.0, 100.0)
    assert 0.0 <= axis(5.0) <= 100.0
