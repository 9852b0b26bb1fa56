"""`write_report`: report.md and its curves in the folder of the run; `write_comparison`: the same of several runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from rl_trainer.report import compared
from rl_trainer.report.comparing import Comparison, Curved, compare, read_run
from rl_trainer.report.curves import draw
from rl_trainer.report.markdown import to_markdown
from rl_trainer.report.panels import panels_of
from rl_trainer.report.report import Report, summarise
from rl_trainer.run_folder import RunFolder, write_whole

TESTS = "evaluation.json"
"""What `train eval` leaves in a run's folder: by test set, its figures."""


def report_of(run: Path) -> Report:
    """The report of a run as data, however far it has come.

    Raises:
        CheckpointDamaged: this is no folder of a training.
    """
    folder = RunFolder(run)
    return summarise(folder.recipe(), folder.records(), _tests(run / TESTS))


def write_report(run: Path, out: Path | None = None) -> Path:
    """Write the report, with its curves in an SVG file of the same name beside it.

    Raises:
        CheckpointDamaged: this is no folder of a training.
    """
    folder, file = RunFolder(run), out or run / "report.md"
    report, curves = report_of(run), file.with_suffix(".svg")
    panels = panels_of(folder.recipe(), folder.records())
    write_whole(curves, draw(panels, about=f"training {report.name}").encode())
    write_whole(file, to_markdown(report, curves=curves.name).encode())
    return file


def _tests(file: Path) -> dict[str, Any]:
    """What a command of another time has left may be anything: what cannot be read is nothing."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, dict[str, Any]])
    except (OSError, msgspec.DecodeError):
        return {}


def compare_runs(runs: Sequence[str], figure: str) -> Comparison:
    """Several runs at equal budgets, each a folder or NAME=FOLDER; others are compared with the first one's variant.

    Raises:
        CheckpointDamaged: one is no folder of a training. TrainingDataMissing: a run has no such figure.
        RecipeWrong: two are the same run.
    """
    return compare([_read(run) for run in runs], figure)


def _read(named: str) -> Curved:
    label, equals, folder = named.partition("=")
    if not equals or Path(named).is_dir():
        return read_run(Path(named))
    return read_run(Path(folder), label)


def write_comparison(found: Comparison, file: Path) -> Path:
    """Write the comparison, with its curves in an SVG file of the same name beside it."""
    curves = file.with_suffix(".svg")
    write_whole(curves, draw(compared.panels_of(found), about="runs compared").encode())
    write_whole(file, compared.to_markdown(found, curves=curves.name).encode())
    return file
