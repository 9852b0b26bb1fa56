"""`Segment`: a block of the index that never changes once built, and how it is saved."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexDamaged
from retrieval.lexical import LexicalSegment
from retrieval.vectors import FaissIndex, VectorIndex, VectorKind, build_vectors, load_vectors

Alive = NDArray[np.bool_]
"""bool[n]: which positions of a segment still stand."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """n things by position: their ids and fingerprints, the rows of their vectors in the store, and both searchers.

    `uid` names the segment's files; a segment with the same uid has the same content.
    """

    uid: str
    ids: Sequence[str]
    fingerprints: Sequence[str]
    rows: NDArray[np.int64]
    vectors: VectorIndex
    lexical: LexicalSegment
    masks: dict[object, Alive] = field(default_factory=dict[object, Alive], compare=False)
    """Filters already evaluated over this segment: a cache that only grows by filters in use, and is bounded."""

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def position(self) -> dict[str, int]:
        """Where each id stands."""
        return {id_: place for place, id_ in enumerate(self.ids)}

    @cached_property
    def is_tool(self) -> Alive:
        """bool[n]: tools, as opposed to server cards."""
        return np.fromiter(("/" in id_ for id_ in self.ids), dtype=np.bool_, count=len(self.ids))


class _Stored(msgspec.Struct):
    """A segment on disk, as MessagePack; arrays are raw little-endian bytes."""

    ids: list[str]
    fingerprints: list[str]
    rows: bytes
    words: list[str]
    starts: bytes
    docs: bytes
    counts: bytes
    lengths: bytes


def save_segment(segment: Segment, folder: Path) -> None:
    """Write a segment's file, and its graph's where it has one, unless they are there already."""
    path = folder / f"{segment.uid}.segment"
    if path.exists():
        return
    if isinstance(segment.vectors, FaissIndex) and segment.vectors.is_graph:
        graph = folder / f"{segment.uid}.graph"
        segment.vectors.save(graph.with_suffix(".part"))
        graph.with_suffix(".part").replace(graph)
    lexical = segment.lexical
    stored = _Stored(
        ids=list(segment.ids),
        fingerprints=list(segment.fingerprints),
        rows=segment.rows.tobytes(),
        words=list(lexical.vocabulary),
        starts=lexical.starts.tobytes(),
        docs=lexical.docs.tobytes(),
        counts=lexical.counts.tobytes(),
        lengths=lexical.lengths.tobytes(),
    )
    part = path.with_suffix(".new")
    part.write_bytes(msgspec.msgpack.encode(stored))
    part.replace(path)


def load_segment(folder: Path, uid: str, vectors_of: Any, kind: VectorKind) -> Segment:
    """The segment that `save_segment` wrote; `vectors_of(rows)` gives float32[n, dim] when there is no graph file.

    Raises:
        IndexDamaged: a file is missing or does not hold what it should.
    """
    try:
        stored = msgspec.msgpack.decode((folder / f"{uid}.segment").read_bytes(), type=_Stored)
        rows = np.frombuffer(stored.rows, np.int64)
        graph = folder / f"{uid}.graph"
        vectors = load_vectors(graph) if graph.exists() else build_vectors(vectors_of(rows), kind)
    except (OSError, msgspec.DecodeError, ValueError, IndexError, RuntimeError) as error:
        raise IndexDamaged(f"index file {uid} in {folder} cannot be read: {error}") from error
    if not len(stored.ids) == len(stored.fingerprints) == len(rows) == len(vectors):
        raise IndexDamaged(f"index file {uid} in {folder} holds lists of different lengths")
    return Segment(
        uid=uid,
        ids=stored.ids,
        fingerprints=stored.fingerprints,
        rows=rows,
        vectors=vectors,
        lexical=LexicalSegment(
            vocabulary={word: term for term, word in enumerate(stored.words)},
            starts=np.frombuffer(stored.starts, np.int64),
            docs=np.frombuffer(stored.docs, np.int32),
            counts=np.frombuffer(stored.counts, np.float32),
            lengths=np.frombuffer(stored.lengths, np.float32),
        ),
    )
