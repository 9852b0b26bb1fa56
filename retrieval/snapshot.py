"""`Snapshot`: what one search sees from beginning to end, and the pure ways to make the next one.

Segments are kept as in a log-structured merge tree (O'Neil et al., 1996): a change makes a small segment, and joins the
last one only while that is small; what is larger is joined beside the changes (`due`, `joined`, `replaced`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from retrieval.exact_vectors import VectorsOf
from retrieval.lexical import merge_lexical
from retrieval.segment import Alive, Contents, Segment, build_segment
from retrieval.vectors import VectorKind

SMALL = 2048
"""What a change adds is joined with the last segments while they have at most so many living entries together."""
RUN = 3
"""So many neighbouring segments of like size are due to be joined."""
_LIKE = 2
"""A segment is of like size when it is at most so many times as large as all that come after it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Segments, and which of their positions still stand. An id stands at most once."""

    segments: tuple[Segment, ...] = ()
    alive: tuple[Alive, ...] = ()
    generation: int = -1
    """The catalogue's generation that this is equal to; -1 before the first."""

    def __len__(self) -> int:
        return sum(_living(alive) for alive in self.alive)

    def parts(self) -> list[tuple[Segment, Alive]]:
        return list(zip(self.segments, self.alive, strict=True))

    def find(self, id_: str) -> tuple[int, int] | None:
        """The segment and the position where an id stands, if it does."""
        for number, (segment, alive) in enumerate(self.parts()):
            place = segment.ids.places([id_])[0]
            if place >= 0 and alive[place]:
                return number, place
        return None

    def fingerprints(self) -> dict[str, str]:
        """The fingerprint of everything that stands, by id. Takes a second for a million: not for every change."""
        return {
            id_: print_.hex()
            for segment, alive in self.parts()
            for id_, print_, stands in zip(segment.ids, map(bytes, segment.fingerprints), alive.tolist(), strict=True)
            if stands
        }


def _living(alive: Alive) -> int:
    return int(np.count_nonzero(alive))


def without(now: Snapshot, ids: Iterable[str]) -> Snapshot:
    """The same without some ids: one bit map is copied for each segment that they stand in."""
    gone, alive = list(ids), list(now.alive)
    for number, segment in enumerate(now.segments):
        places = [place for place in segment.ids.places(gone) if place >= 0 and alive[number][place]]
        if places:
            alive[number] = alive[number].copy()
            alive[number][places] = False
    return replace(now, alive=tuple(alive))


def adding(now: Snapshot, fresh: Segment, vectors_of: VectorsOf, kind: VectorKind) -> Snapshot:
    """The same with one segment more; small last segments are joined with it. The work is bounded by `SMALL`."""
    parts = [part for part in now.parts() if part[1].any()]
    first, total = len(parts), len(fresh)
    while first > 0 and total + _living(parts[first - 1][1]) <= SMALL:
        first -= 1
        total += _living(parts[first][1])
    if first < len(parts):
        fresh = joined([*parts[first:], (fresh, np.ones(len(fresh), np.bool_))], vectors_of, kind)
    return _of([*parts[:first], (fresh, np.ones(len(fresh), np.bool_))], now.generation)


def due(now: Snapshot) -> slice | None:
    """Which neighbouring segments should become one: a run of like size, or a large one that is mostly dead.

    The last segment, while it is small, is left out: changes go into it meanwhile.
    """
    living = [_living(alive) for alive in now.alive]
    closed = len(living) - (1 if living and living[-1] < SMALL // 2 else 0)
    for number in range(closed):
        if len(now.segments[number]) > max(SMALL, 2 * living[number]):
            return slice(number, number + 1)
    first, total = closed, 0
    while first > 0 and (not total or living[first - 1] <= _LIKE * total):
        first -= 1
        total += living[first]
    return slice(first, closed) if closed - first >= RUN else None


def joined(parts: Sequence[tuple[Segment, Alive]], vectors_of: VectorsOf, kind: VectorKind) -> Segment:
    """One segment of the living of several, in order. Takes long for large ones: the vectors are indexed anew."""
    living = [(segment, np.flatnonzero(alive)) for segment, alive in parts]
    return build_segment(
        Contents(
            ids=[segment.ids[place] for segment, places in living for place in places.tolist()],
            fingerprints=np.concatenate([segment.fingerprints[places] for segment, places in living]),
            rows=np.concatenate([segment.rows[places] for segment, places in living]),
            lexical=merge_lexical([(segment.lexical, alive) for segment, alive in parts]),
        ),
        vectors_of,
        kind,
    )


def replaced(now: Snapshot, before: Snapshot, where: slice, one: Segment) -> Snapshot | None:
    """`now` with the segments that stood at `where` in `before` given as one; None when changes have joined them since.

    What was removed meanwhile stays removed.
    """
    old = before.segments[where]
    first = where.start
    if tuple(segment.uid for segment in now.segments[where]) != tuple(segment.uid for segment in old):
        return None
    alive = [now.alive[first + number][before.alive[first + number]] for number in range(len(old))]
    parts = now.parts()
    return _of([*parts[:first], (one, np.concatenate(alive)), *parts[where.stop :]], now.generation)


def _of(parts: Sequence[tuple[Segment, Alive]], generation: int) -> Snapshot:
    return Snapshot(tuple(part[0] for part in parts), tuple(part[1] for part in parts), generation)
