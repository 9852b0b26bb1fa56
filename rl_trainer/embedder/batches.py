"""Batches for contrastive learning: neighbours together, a mined hard negative for each, look-alikes masked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rl_trainer.embedder.examples import Source

Vectors = NDArray[np.float32]

_SAME = 0.85
"""Tools whose passages are nearer than this (cosine, model before training) may both be right: never negatives."""
_MINED = 12
_BLOCK = 256
_FROM_RANK, _TO_RANK = 2, 60
_GROUP = 16
"""So many neighbours stand together in a batch; the rest of it comes from other corners of the same source."""
_WITH_NEGATIVE = 0.5
"""The share of a batch's queries that bring a mined negative; passages cost the most."""
_JOINED = 0.2
"""The share of queries that are joined with a neighbour's: real requests often need several tools."""
_JOINTS = (" ", " And ", " Then ", " Also, ", "; ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """`queries[i]` asks for `passages[i]`. Passages beyond len(queries) are negatives for all.

    `masked` bool[queries, passages]: pairs that count neither as right nor as wrong.
    """

    source: str
    queries: list[str]
    passages: list[str]
    masked: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A source with what the untrained model says of it: pairs, their vectors, and negatives mined for each."""

    source: Source
    ids: Sequence[str]
    position: Mapping[str, int]
    vectors: Vectors
    """float32[len(ids), dim]: the untrained model's."""
    negatives: Sequence[NDArray[np.int64]]
    """For every learnt example, positions of tools that look right and are not."""


def prepare(source: Source, ids: Sequence[str], vectors: Vectors, queries: Vectors) -> Prepared:
    """Mine hard negatives: near the query, not near what it needs. `queries` float32[len(source.learnt), dim]."""
    position = {id_: place for place, id_ in enumerate(ids)}
    negatives: list[NDArray[np.int64]] = []
    nearness = (
        near for start in range(0, len(queries), _BLOCK) for near in queries[start : start + _BLOCK] @ vectors.T
    )
    for example, near in zip(source.learnt, nearness, strict=True):
        right = np.array([position[id_] for id_ in example.relevant])
        depth = min(_TO_RANK, len(ids) - 1)
        ranked = np.argpartition(-near, depth)[:depth]
        ranked = ranked[np.argsort(-near[ranked], kind="stable")][_FROM_RANK:]
        unlike = (vectors[ranked] @ vectors[right].T).max(axis=1) < _SAME
        groups = {source.alike.get(id_) for id_ in example.relevant} - {None}
        others = [int(place) for place in ranked[unlike]]
        mine = [place for place in others if source.alike.get(ids[place]) not in groups and place not in right]
        negatives.append(np.array(mine[:_MINED], np.int64))
    return Prepared(source=source, ids=ids, position=position, vectors=vectors, negatives=negatives)


def epoch(prepared: Sequence[Prepared], size: int, rng: np.random.Generator) -> Iterator[Batch]:
    """Every example once, one of its tools as the right one, in batches of one source each, mixed."""
    plans = [(one, members) for one in prepared for members in _grouped(one, size, rng)]
    for index in rng.permutation(len(plans)):
        one, members = plans[int(index)]
        yield _batch(one, members, rng)


def count(prepared: Sequence[Prepared], size: int) -> int:
    """How many batches `epoch` gives at most: a query whose tool always stands beside it already is left over."""
    return sum(len(one.source.learnt) // size for one in prepared)


def _grouped(one: Prepared, size: int, rng: np.random.Generator) -> list[list[tuple[int, int]]]:
    """Lists of (example, position of its right tool), each of `size`; what is left over waits for another epoch."""
    right = np.array([one.position[str(rng.choice(example.relevant))] for example in one.source.learnt])
    if not len(right):
        return []
    vectors = one.vectors[right]
    waiting = np.ones(len(right), np.bool_)
    groups: list[list[int]] = []
    for anchor in rng.permutation(len(right)):
        if not waiting[anchor]:
            continue
        open_ = np.flatnonzero(waiting)
        near = open_[np.argsort(-(vectors[open_] @ vectors[anchor]), kind="stable")]
        # One query of a tool in a group: two of them are no negatives for each other.
        _, first = np.unique(right[near], return_index=True)
        group = near[np.sort(first)][:_GROUP]
        waiting[group] = False
        groups.append(group.tolist())
    order = [example for index in rng.permutation(len(groups)) for example in groups[index]]
    return [
        [(example, int(right[example])) for example in order[start : start + size]]
        for start in range(0, len(order) - size + 1, size)
    ]


def _batch(one: Prepared, members: list[tuple[int, int]], rng: np.random.Generator) -> Batch:
    right = [place for _, place in members]
    mined = [
        int(rng.choice(found))
        for example, _ in members
        if len(found := one.negatives[example]) and rng.random() < _WITH_NEGATIVE
    ]
    places = np.array([*right, *mined])
    ids = [one.ids[int(place)] for place in places]
    alike = [one.source.alike.get(id_, id_) for id_ in ids]
    near = one.vectors[places[: len(right)]] @ one.vectors[places].T >= _SAME
    masked = np.zeros((len(right), len(places)), np.bool_)
    queries: list[str] = []
    for row in range(len(members)):
        needed = {row, *([_neighbour(row, len(members), rng)] if rng.random() < _JOINED else [])}
        queries.append(_joined([one.source.learnt[members[other][0]].query for other in needed], rng))
        for other in needed:
            relevant = one.source.learnt[members[other][0]].relevant
            masked[row] |= near[other]
            masked[row] |= [id_ in relevant or group == alike[other] for id_, group in zip(ids, alike, strict=True)]
        masked[row, row] = False
    return Batch(
        source=one.source.name, queries=queries, passages=[one.source.passages[id_] for id_ in ids], masked=masked
    )


def _neighbour(row: int, count: int, rng: np.random.Generator) -> int:
    """Another row of the same group of neighbours."""
    first = row - row % _GROUP
    return int(rng.integers(first, min(first + _GROUP, count)))


def _joined(queries: Sequence[str], rng: np.random.Generator) -> str:
    order = [int(place) for place in rng.permutation(len(queries))]
    return str(rng.choice(_JOINTS)).join(queries[index] for index in order)
