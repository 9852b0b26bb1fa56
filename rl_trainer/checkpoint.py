"""Checkpoints: a folder that is either whole or not there, and from which the next step comes out bit for bit."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from rl_trainer.errors import CheckpointDamaged
from rl_trainer.pool import Pool, Tried
from rl_trainer.trajectory import Group

_FORMAT = 1
_LATEST = "latest"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a training stands: so many iterations of that stage are done. step: optimiser steps. version: the policy's.

    rollouts and tokens: that were spent so far. barren: iterations in a row that taught nothing. settings: a hash of
    what may not change under a run.
    """

    stage: int = 0
    iteration: int = 0
    total: int = 0
    step: int = 0
    version: int = 0
    rollouts: int = 0
    tokens: int = 0
    barren: int = 0
    seconds: float = 0.0
    settings: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A checkpoint that was read; `folder` has the model's weights in `model/` and the learner's state."""

    folder: Path
    place: Place
    pool: Pool


def save(run: Path, place: Place, pool: Pool, write: Callable[[Path], None]) -> Path:
    """Write a checkpoint: `write` puts weights and the learner's state into the folder that it is given.

    Everything is on disk before the folder gets its name, and it has its name before `latest` says so: a process killed
    at any moment leaves the last whole checkpoint in force.
    """
    folder = run / "checkpoints" / f"step-{place.total:06d}"
    building = folder.with_name(f".{folder.name}.building")
    for stale in (building, folder):
        shutil.rmtree(stale, ignore_errors=True)
    building.mkdir(parents=True)
    write(building)
    state = {
        "format": _FORMAT,
        "place": msgspec.to_builtins(place),
        "drawn": pool.drawn,
        "tried": {name: [tried.runs, tried.passed] for name, tried in pool.tried.items()},
    }
    (building / "state.json").write_text(json.dumps(state, indent=1))
    (building / "waiting.msgpack").write_bytes(msgspec.msgpack.encode(pool.waiting))
    _to_disk(building)
    building.rename(folder)
    _to_disk(folder.parent)
    pointer = folder.parent / f".{_LATEST}"
    pointer.write_text(folder.name)
    _to_disk(pointer)
    pointer.replace(folder.parent / _LATEST)
    _to_disk(folder.parent)
    return folder


def latest(run: Path) -> Saved | None:
    """The newest whole checkpoint of a run; None where there is none yet.

    Raises:
        CheckpointDamaged: `latest` names one that cannot be read.
    """
    pointer = run / "checkpoints" / _LATEST
    if not pointer.is_file():
        return None
    return read(run / "checkpoints" / pointer.read_text().strip())


def read(folder: Path) -> Saved:
    """A checkpoint's folder.

    Raises:
        CheckpointDamaged: it is not whole, or of another format.
    """
    try:
        state: Mapping[str, Any] = json.loads((folder / "state.json").read_text())
        if state["format"] != _FORMAT:
            raise CheckpointDamaged(f"{folder} has format {state['format']}; this version reads {_FORMAT}")
        waiting = msgspec.msgpack.decode((folder / "waiting.msgpack").read_bytes(), type=tuple[Group, ...])
        tried = {name: Tried(*counts) for name, counts in state["tried"].items()}
        pool = Pool(drawn=state["drawn"], tried=tried, waiting=waiting)
        return Saved(folder=folder, place=msgspec.convert(state["place"], Place), pool=pool)
    except (OSError, KeyError, ValueError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise CheckpointDamaged(
            f"{folder} cannot be read ({error}); name an earlier one in {folder.parent / _LATEST}, or begin anew"
        ) from error


def prune(run: Path, keep: int, always: frozenset[str] = frozenset()) -> None:
    """Remove all but the newest `keep` checkpoints and those named."""
    folders = sorted((run / "checkpoints").glob("step-*"))
    for folder in folders[: max(0, len(folders) - max(1, keep))]:
        if folder.name not in always:
            shutil.rmtree(folder, ignore_errors=True)


def _to_disk(path: Path) -> None:
    """Wait until the path, and everything below it, is on disk."""
    for each in [*(path.rglob("*") if path.is_dir() else ()), path]:
        handle = os.open(each, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
