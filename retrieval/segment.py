"""`Segment`: a block of the index that never changes once built, and how it is saved."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.array_file import read_arrays, write_arrays
from retrieval.errors import IndexDamaged
from retrieval.exact_vectors import StoredVectors, VectorsOf
from retrieval.id_table import IdTable, table_of
from retrieval.lexical import LexicalSegment
from retrieval.vectors import VectorIndex, VectorKind, build_vectors, load_vectors, save_vectors

Alive = NDArray[np.bool_]
"""bool[n]: which positions of a segment still stand."""

_FINGERPRINT_BYTES = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class Segment:
    """n things by position: their ids and fingerprints, the rows of their vectors in the store, and both searchers.

    `uid` names the segment's files; a segment with the same uid has the same content. fingerprints uint8[n, 32].
    """

    uid: str
    ids: IdTable
    fingerprints: NDArray[np.uint8]
    rows: NDArray[np.int64]
    vectors: VectorIndex
    lexical: LexicalSegment
    masks: dict[object, Alive] = field(default_factory=dict[object, Alive])
    """Filters already evaluated over this segment: a cache that only grows by filters in use, and is bounded."""

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def is_tool(self) -> Alive:
        """bool[n]: tools, as opposed to server cards."""
        return self.ids.with_slash()

    def fingerprint(self, place: int) -> str:
        """The SHA-256 of what stands at a place, as hexadecimal digits."""
        return self.fingerprints[place].tobytes().hex()


def packed_fingerprints(fingerprints: Sequence[str]) -> NDArray[np.uint8]:
    """uint8[n, 32] of SHA-256 sums as hexadecimal digits."""
    return np.frombuffer(bytes.fromhex("".join(fingerprints)), np.uint8).reshape(-1, _FINGERPRINT_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a segment is made of before its vectors are indexed; lists of one length."""

    ids: Sequence[str]
    fingerprints: NDArray[np.uint8]
    rows: NDArray[np.int64]
    lexical: LexicalSegment


def build_segment(contents: Contents, vectors_of: VectorsOf, kind: VectorKind) -> Segment:
    """A new segment, with a name of its own."""
    return Segment(
        uid=uuid.uuid4().hex,
        ids=table_of(contents.ids),
        fingerprints=contents.fingerprints,
        rows=contents.rows,
        vectors=build_vectors(StoredVectors(contents.rows, vectors_of), kind),
        lexical=contents.lexical,
    )


def save_segment(segment: Segment, folder: Path) -> None:
    """Write a segment's file, and before it its vector index's where that takes long to build, unless it is there."""
    path = folder / f"{segment.uid}.segment"
    if path.exists():
        return
    save_vectors(segment.vectors, folder / f"{segment.uid}.faiss")
    ids, lexical = segment.ids, segment.lexical
    arrays = {"fingerprints": segment.fingerprints, "rows": segment.rows}
    arrays |= {f"ids.{name}": getattr(ids, name) for name in _ID_ARRAYS}
    arrays |= {f"lexical.{name}": getattr(lexical, name) for name in _LEXICAL_ARRAYS}
    write_arrays(path, arrays)


_ID_ARRAYS = ("text", "starts", "hashes", "order")
_LEXICAL_ARRAYS = ("hashes", "starts", "docs", "counts", "lengths", "peaks")


def load_segment(folder: Path, uid: str, vectors_of: VectorsOf, kind: VectorKind) -> Segment:
    """The segment that `save_segment` wrote; its vector index is built from the stored vectors if its file is no good.

    Raises:
        IndexDamaged: a file is missing or does not hold what it should, or the store does not have its vectors.
    """
    arrays = read_arrays(folder / f"{uid}.segment")
    try:
        rows = arrays["rows"]
        if len(rows):
            vectors_of(rows[np.argmax(rows)][None])  # the last row is there, so all are
        lexical = {name: arrays[f"lexical.{name}"] for name in _LEXICAL_ARRAYS}
        return Segment(
            uid=uid,
            ids=IdTable(**{name: arrays[f"ids.{name}"] for name in _ID_ARRAYS}),
            fingerprints=arrays["fingerprints"],
            rows=rows,
            vectors=load_vectors(folder / f"{uid}.faiss", StoredVectors(rows, vectors_of), kind),
            lexical=LexicalSegment(**lexical, total_length=float(lexical["lengths"].sum(dtype=np.float64))),
        )
    except (OSError, KeyError, IndexError, ValueError) as error:
        raise IndexDamaged(f"index file {uid} in {folder} cannot be used: {error}") from error
