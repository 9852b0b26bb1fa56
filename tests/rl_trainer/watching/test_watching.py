"""What people see of a training, fed with records as a training writes them."""

import io
import struct
from pathlib import Path
from typing import Any

import pytest

from rl_trainer.run_folder import Record, RunFolder
from rl_trainer.trajectory import Trajectory
from rl_trainer.watching.event_file import masked
from rl_trainer.watching.figures import figures_of, sparkline
from rl_trainer.watching.live import Lines, LiveView, open_live_view
from rl_trainer.watching.opening import open_watching
from rl_trainer.watching.tensorboard import FOLDER, TensorBoardWatching, tagged
from rl_trainer.watching.watching import Several, Watching

VALUES = {
    "rollout/success": 0.25,
    "rollout/turns": 4.5,
    "rollout/tokens": 50.0,
    "rollout/runs": 64.0,
    "rollout/infra": 4.0,
    "step/loss": -0.0125,
    "step/tokens": 900.0,
    "drift/max": 2e-6,
    "time/rollout_s": 3.0,
    "time/iteration_s": 4.5,
}


def iteration(total: int, *, kind: str = "iteration", **values: float) -> Record:
    named = {name.replace("__", "/"): value for name, value in values.items()}
    return Record(
        kind=kind, stage="rl", iteration=total, total=total, rollouts=64 * total, values=named or dict(VALUES)
    )


class Heard(Watching):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def record(self, record: Record) -> None:
        self.told.append(record)

    def rolled(self, trajectory: Trajectory) -> None:
        self.told.append(trajectory)

    def doing(self, what: str, of: int) -> None:
        self.told.append((what, of))


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_several_are_told_the_same() -> None:
    one, other = Heard(), Heard()
    several = Several([one, other])
    several.doing("rl 1/2", 8)
    several.rolled(Trajectory(task_id="t", member=0, turns=()))
    several.record(iteration(1))
    assert one.told == other.told
    assert len(one.told) == 3


def test_where_nobody_watches_an_iteration_is_a_line_and_fine_tuning_steps_are_one_now_and_then() -> None:
    out = io.StringIO()
    with open_live_view(out) as view:
        view.doing("start: fine-tuning", 100)
        for step in range(1, 101):
            view.record(iteration(step, kind="step", step__loss=1.0))
        view.record(iteration(101))
    lines = out.getvalue().splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "rl step 50, 3,200 rollouts",
        "rl step 100, 6,400 rollouts",
        "rl iteration 101, 6,464 rollouts",
    ]
    assert "success 25.0 %" in lines[-1]
    assert "drift 2.0e-06" in lines[-1]
    assert "sampled 1,000 tok/s" in lines[-1]
    assert "learnt 600 tok/s" in lines[-1]


def test_long_rollouts_give_a_sign_of_life_in_logs() -> None:
    out = io.StringIO()
    lines, patient = Lines(out, every_s=0.0), Lines(out)
    for each in (lines, patient):
        each.doing("rl 1/40", 640)
        each.rolled(Trajectory(task_id="t", member=0, turns=()))
    lines.rolled(Trajectory(task_id="t", member=1, turns=(), passed=True))
    assert out.getvalue() == "rl 1/40: 1/640 runs, none passed\nrl 1/40: 2/640 runs, 1 passed\n"


def test_what_looks_on_by_default_leaves_curves_in_a_run_and_nothing_where_there_is_none(tmp_path: Path) -> None:
    for run in (None, tmp_path):
        with open_watching(run) as watching:
            watching.record(iteration(1))
        assert (tmp_path / FOLDER).exists() is (run is not None)


def test_in_a_terminal_the_view_shows_rollouts_as_they_end_and_the_last_figures() -> None:
    out = Terminal()
    with open_live_view(out) as view:
        view.record(iteration(1))
        view.record(iteration(2))
        view.doing("rl 3/40", 64)
        for member in range(3):
            view.rolled(Trajectory(task_id="t", member=member, turns=(), passed=member > 0))
        view.rolled(Trajectory(task_id="t", member=3, turns=(), infra="lost container"))
    shown = out.getvalue()
    for words in ("rl 3/40", "4/64", "2 passed, 1 broken worlds", "rl: iteration 2", "128 rollouts", "▃▃"):
        assert words in shown


def test_names_that_look_like_markup_are_shown_as_they_are() -> None:
    from rich.console import Console

    view = LiveView()
    view.doing("[red]stage[/nothing]", 1)
    console = Console(file=io.StringIO(), width=100)
    console.print(view)
    assert "[red]stage[/nothing]" in console.file.getvalue()  # type: ignore[attr-defined]


def test_figures_that_a_record_lacks_are_not_made_up() -> None:
    assert figures_of({"step/loss": 1.0}) == {"loss": "1"}
    assert figures_of({"step/loss": float("nan")}) == {"loss": "nan"}


def test_a_sparkline_has_at_most_its_width() -> None:
    assert sparkline([0.0, 0.5, 1.0]) == "▁▅█"
    assert len(sparkline([place / 100 for place in range(100)], width=10)) == 10
    assert sparkline([float("nan"), 2.0, -1.0]) == "█▁"


def test_the_checksum_is_the_one_of_record_files() -> None:
    crc = (0xE3069283 >> 15 | 0xE3069283 << 17) & 0xFFFFFFFF  # CRC-32C of "123456789", RFC 3720's check value
    assert masked(b"123456789") == (crc + 0xA282EAD8) & 0xFFFFFFFF


def test_figures_of_an_evaluation_have_a_name_of_their_own() -> None:
    tags = tagged(iteration(1, kind="evaluation", rollout__success=0.5, evaluation__low=0.25, step__loss=float("inf")))
    assert set(tags) == {"evaluation/rollout/success", "evaluation/low", "evaluation/progress/rollouts"}


def told(folder: Path, watching: TensorBoardWatching, *totals: int) -> None:
    for total in totals:
        record = iteration(total)
        RunFolder(folder).append(record)
        watching.record(record)


def frames(file: Path) -> list[bytes]:
    """The messages of an event file, whose checksums fit."""
    data, out = file.read_bytes(), list[bytes]()
    while data:
        (length,), (crc,) = struct.unpack("<Q", data[:8]), struct.unpack("<I", data[8:12])
        assert crc == masked(data[:8])
        out.append(data[12 : 12 + length])
        assert struct.unpack("<I", data[12 + length : 16 + length])[0] == masked(out[-1])
        data = data[16 + length :]
    return out


def test_a_training_that_goes_on_says_from_which_step_on_the_old_curves_are_void(tmp_path: Path) -> None:
    told(tmp_path, TensorBoardWatching(tmp_path), 1, 2, 3, 4)
    first = set((tmp_path / FOLDER).iterdir())
    RunFolder(tmp_path).forget_after(2)
    told(tmp_path, TensorBoardWatching(tmp_path), 3)
    (new,) = set((tmp_path / FOLDER).iterdir()) - first
    version, restart, *rest = frames(new)
    assert version.endswith(b"brain.Event:2")
    assert restart[9:] == b"\x10\x03\x3a\x02\x08\x01", "step 3, a session log whose status is START"
    assert len(rest) == 1


def test_a_training_that_goes_on_writes_no_step_twice(tmp_path: Path) -> None:
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    told(tmp_path, TensorBoardWatching(tmp_path), 1, 2, 3, 4)
    RunFolder(tmp_path).forget_after(2)  # as if the last checkpoint were that of iteration 2
    told(tmp_path, TensorBoardWatching(tmp_path), 3, 4, 5)
    events = reading.EventAccumulator(str(tmp_path / FOLDER))
    events.Reload()
    assert [each.step for each in events.Scalars("rollout/success")] == [1, 2, 3, 4, 5]
    assert events.Scalars("step/loss")[-1].value == pytest.approx(-0.0125)


def test_curves_that_are_switched_on_late_begin_at_the_beginning(tmp_path: Path) -> None:
    told(tmp_path, TensorBoardWatching(tmp_path / "elsewhere"), 1)
    watching = TensorBoardWatching(tmp_path)
    told(tmp_path, watching, 2, 3)
    (file,) = (tmp_path / FOLDER).iterdir()
    assert file.read_bytes().count(b"rollout/success") == 3
