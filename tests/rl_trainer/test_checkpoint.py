"""Checkpoints and the folder of a training: whole, or as they were."""

import multiprocessing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rl_trainer.checkpoint import Place, latest, prune, save
from rl_trainer.errors import CheckpointDamaged, RunBusy
from rl_trainer.pool import Pool, Tried
from rl_trainer.run_folder import Record, RunFolder, read_groups
from rl_trainer.trajectory import Group, Trajectory, Turn

TURN = Turn(prompt=(1, 2), completion=(3,), logprobs=(-0.1234567890123456789,), entropies=(0.5,), score=0.25)
GROUP = Group(task_id="t", trajectories=(Trajectory(task_id="t", member=0, turns=(TURN,), rewards={"outcome": 1.0}),))
POOL = Pool(drawn=5, tried={"t": Tried(4, 1)}, waiting=(GROUP,))


def _weights(text: str) -> Any:
    def write(folder: Path) -> None:
        (folder / "model").mkdir()
        (folder / "model" / "weights").write_text(text)

    return write


def test_a_checkpoint_gives_back_what_was_saved(tmp_path: Path) -> None:
    assert latest(tmp_path) is None
    place = Place(stage=1, iteration=7, total=12, version=30, settings="abc")
    save(tmp_path, place, POOL, _weights("w"))
    found = latest(tmp_path)
    assert found is not None
    assert (found.place, found.pool) == (place, POOL)
    assert (found.folder / "model" / "weights").read_text() == "w"


def test_a_checkpoint_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    save(tmp_path, Place(total=1), POOL, _weights("one"))

    def dies(folder: Path) -> None:
        (folder / "half").write_text("of it")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, Place(total=2), POOL, dies)
    found = latest(tmp_path)
    assert found is not None
    assert found.place.total == 1
    save(tmp_path, Place(total=2), POOL, _weights("two"))
    found = latest(tmp_path)
    assert found is not None
    assert sorted(each.name for each in (found.folder).iterdir()) == ["model", "state.json", "waiting.msgpack"]


def test_old_checkpoints_go_and_the_last_of_a_stage_stays(tmp_path: Path) -> None:
    for total in range(1, 7):
        save(tmp_path, Place(total=total), POOL, _weights("w"))
    prune(tmp_path, 2, frozenset({"step-000001"}))
    assert sorted(each.name for each in (tmp_path / "checkpoints").glob("step-*")) == [
        "step-000001",
        "step-000005",
        "step-000006",
    ]


@pytest.mark.parametrize("file", ["state.json", "waiting.msgpack"])
def test_a_damaged_checkpoint_says_which_file_it_is_and_what_to_do(tmp_path: Path, file: str) -> None:
    folder = save(tmp_path, Place(total=1), POOL, _weights("w"))
    (folder / file).write_bytes(b"{")
    with pytest.raises(CheckpointDamaged, match="step-000001"):
        latest(tmp_path)


def _record(total: int) -> Record:
    return Record(kind="iteration", stage="rl", iteration=total, total=total, rollouts=total, values={"x": 0.1})


def test_lines_after_the_checkpoint_are_forgotten_and_half_a_line_is_passed_over(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for total in range(1, 5):
        folder.append(_record(total))
        folder.write_groups(f"{total:06d}", [GROUP])
    with folder.metrics.open("ab") as file:
        file.write(b'{"kind":"itera')
    assert folder.records() == [_record(total) for total in range(1, 5)]
    folder.forget_after(2)
    assert folder.records() == [_record(1), _record(2)]
    assert folder.groups("000003") is None
    assert folder.groups("000002") == [GROUP]


def test_a_line_that_is_no_group_is_named(tmp_path: Path) -> None:
    file = tmp_path / "groups.jsonl"
    file.write_bytes(msgspec.json.encode(GROUP) + b'\n{"task_id": 1}\n')
    with pytest.raises(CheckpointDamaged, match=r"groups\.jsonl:2"):
        list(read_groups(file))


def test_one_process_trains_in_a_folder(tmp_path: Path) -> None:
    with RunFolder(tmp_path).locked():
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            assert pool.apply(_try_lock, (str(tmp_path),)) == "busy"
    assert _try_lock(str(tmp_path)) == "free"


def _try_lock(path: str) -> str:
    try:
        with RunFolder(Path(path)).locked():
            return "free"
    except RunBusy:
        return "busy"
