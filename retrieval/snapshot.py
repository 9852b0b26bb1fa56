"""`Snapshot`: what one search sees from beginning to end, and the pure ways to make the next one."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retrieval.embedding import Vectors
from retrieval.lexical import merge_lexical
from retrieval.segment import Alive, Segment
from retrieval.vectors import VectorKind, build_vectors

VectorsOf = Callable[[NDArray[np.int64]], Vectors]
"""Rows of the vector store -> float32[n, dim]."""

SMALL = 2048
"""Last segments below this size are joined with what is added; above it, a new segment begins."""
MAX_SEGMENTS = 8


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Segments, and which of their positions still stand. An id stands at most once."""

    segments: tuple[Segment, ...] = ()
    alive: tuple[Alive, ...] = ()
    generation: int = -1
    """The catalogue's generation that this is equal to; -1 before the first."""

    def __len__(self) -> int:
        return sum(int(alive.sum()) for alive in self.alive)

    def parts(self) -> list[tuple[Segment, Alive]]:
        return list(zip(self.segments, self.alive, strict=True))

    def find(self, id_: str) -> tuple[int, int] | None:
        """The segment and the position where an id stands, if it does."""
        for number, segment in enumerate(self.segments):
            place = segment.position.get(id_)
            if place is not None and self.alive[number][place]:
                return number, place
        return None

    def fingerprints(self) -> dict[str, str]:
        """The fingerprint of everything that stands, by id."""
        return {
            segment.ids[place]: segment.fingerprints[place]
            for segment, alive in self.parts()
            for place in np.flatnonzero(alive).tolist()
        }


def without(now: Snapshot, ids: Iterable[str]) -> Snapshot:
    """The same without some ids: one bit map is copied for each segment that they stand in."""
    places = [found for id_ in ids if (found := now.find(id_)) is not None]
    alive = list(now.alive)
    for number in {number for number, _ in places}:
        alive[number] = alive[number].copy()
    for number, place in places:
        alive[number][place] = False
    return replace(now, alive=tuple(alive))


def adding(now: Snapshot, fresh: Segment, vectors_of: VectorsOf, kind: VectorKind) -> Snapshot:
    """The same with one segment more; small last segments are joined with it, and all when there are too many."""
    parts = [*now.parts(), (fresh, np.ones(len(fresh), np.bool_))]
    first = len(parts) - 1
    while first > 0 and len(parts[first - 1][0]) < SMALL:
        first -= 1
    if len(parts) > MAX_SEGMENTS:
        first = 0
    if first < len(parts) - 1:
        merged = _merged(parts[first:], vectors_of, kind)
        parts = [*parts[:first], (merged, np.ones(len(merged), np.bool_))]
    return replace(now, segments=tuple(part[0] for part in parts), alive=tuple(part[1] for part in parts))


def _merged(parts: Sequence[tuple[Segment, Alive]], vectors_of: VectorsOf, kind: VectorKind) -> Segment:
    living = [(segment, np.flatnonzero(alive).tolist()) for segment, alive in parts]
    rows = np.concatenate([segment.rows[places] for segment, places in living])
    return Segment(
        uid=uuid.uuid4().hex,
        ids=[segment.ids[place] for segment, places in living for place in places],
        fingerprints=[segment.fingerprints[place] for segment, places in living for place in places],
        rows=rows,
        vectors=build_vectors(vectors_of(rows), kind),
        lexical=merge_lexical([(segment.lexical, alive) for segment, alive in parts]),
    )
