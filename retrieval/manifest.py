"""The saved index's table of contents: which segments, of which model, equal to which generation."""

import re
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from retrieval.array_file import replacing
from retrieval.errors import IndexDamaged

FORMAT = 2
_FILE = "manifest.json"
_OURS = {".segment", ".faiss", ".graph", ".part", ".new"}
"""Endings of files of segments, those of earlier versions and those never finished among them."""


class SegmentEntry(msgspec.Struct, frozen=True):
    """A segment by the name of its files, and the positions in it that no longer stand."""

    uid: str
    dead: list[int]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the index folder holds. It is written last and replaced whole, so what it names is complete."""

    format: int = FORMAT
    model: str
    dim: int
    generation: int
    size: int
    segments: list[SegmentEntry]


def file_name(model_id: str) -> str:
    """A model's id as a file name."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", model_id)


def entry_of(uid: str, alive: NDArray[np.bool_]) -> SegmentEntry:
    return SegmentEntry(uid, np.flatnonzero(~alive).tolist())


def alive_of(entry: SegmentEntry, size: int) -> NDArray[np.bool_]:
    """The inverse of `entry_of`.

    Raises:
        IndexDamaged: a position lies outside the segment.
    """
    alive = np.ones(size, np.bool_)
    if entry.dead and not 0 <= min(entry.dead) <= max(entry.dead) < size:
        raise IndexDamaged(f"the manifest names positions that segment {entry.uid} does not have")
    alive[entry.dead] = False
    return alive


def read(folder: Path) -> Manifest | None:
    """The manifest of a folder; None when there is none, or one of another format.

    Raises:
        IndexDamaged: it is there and is not a manifest.
    """
    path = folder / _FILE
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise IndexDamaged(f"{path} cannot be read: {error}") from error
    return found if found.format == FORMAT else None


def write(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step, then remove the files of segments that it does not name."""
    with replacing(folder / _FILE) as part:
        part.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    named = {entry.uid for entry in manifest.segments}
    for file in folder.iterdir():
        if file.suffix in _OURS and file.name.partition(".")[0] not in named:
            file.unlink(missing_ok=True)
