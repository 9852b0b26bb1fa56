"""`Row`: samples side by side in one sequence, with prefixes that they share once; what packing makes of samples.

A row is a forest of token prefixes, written depth first. Each sample is a path from a root; a token sees its path and
nothing else, at the position that it has in its sample. So every sample gives what it gives alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rl_trainer.sample import Sample
from rl_trainer.step.settings import Packing

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Tokens start to stop of a row, each the next of the one before; they see those in `before`, and each other.

    before: ranges (start, stop) of the row, in the order of the path that the stretch goes on from.
    """

    start: int
    stop: int
    before: tuple[tuple[int, int], ...] = ()

    @property
    def depth(self) -> int:
        """How many tokens come before it."""
        return sum(stop - start for start, stop in self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """members: places of the samples in what was packed. paths: by member, where in the row each of its tokens is."""

    ids: Ints
    positions: Ints
    stretches: tuple[Stretch, ...]
    members: tuple[int, ...]
    paths: tuple[Ints, ...]

    def __len__(self) -> int:
        return len(self.ids)


def pack(samples: Sequence[Sample], *, tokens: int, packing: Packing) -> list[Row]:
    """Rows of at most `tokens` tokens (a longer sample has one of its own); every sample is in exactly one.

    The order of the samples does not matter to what is in a row together.
    """
    keys = [sample.ids.astype(">u4").tobytes() for sample in samples]
    # Sorted by their ids, samples that share a prefix stand together, and each shares most with its neighbours.
    order = sorted(range(len(samples)), key=lambda place: (keys[place], place))
    if packing == "none":
        return [_row(samples, [place], shared=[0]) for place in order]
    common = [0] * len(order)
    if packing == "tree":
        common[1:] = [_common(samples[one].ids, samples[next_].ids) for one, next_ in pairwise(order)]
    tasks = [samples[place].task_id for place in order]
    return [
        _row(samples, [order[at] for at in part], shared=[0, *(common[at] for at in part[1:])])
        for part in _parts([len(samples[place]) for place in order], common, tokens, tasks)
    ]


def _parts(lengths: list[int], common: list[int], tokens: int, tasks: list[str]) -> list[list[int]]:
    """Runs of neighbours that fit in a row; a task's samples stay together where a row can hold them all."""
    parts: list[list[int]] = []
    used = tokens + 1
    for start, stop in _runs(tasks):
        added = sum(lengths[at] - common[at] for at in range(start, stop))
        alone = added + common[start]
        if used + added > tokens and alone <= tokens:
            parts.append([])
            used = 0
        for at in range(start, stop):
            more = lengths[at] - (common[at] if parts and parts[-1] else 0)
            if used + more > tokens or not parts:
                parts.append([])
                used, more = 0, lengths[at]
            parts[-1].append(at)
            used += more
    return [part for part in parts if part]


def _runs(tasks: list[str]) -> list[tuple[int, int]]:
    starts = [at for at in range(len(tasks)) if at == 0 or tasks[at] != tasks[at - 1]]
    return list(pairwise([*starts, len(tasks)]))


def _row(samples: Sequence[Sample], places: list[int], *, shared: list[int]) -> Row:
    """shared: how many first tokens each has in common with the one before it."""
    ids: list[Ints] = []
    positions: list[Ints] = []
    paths: list[Ints] = []
    stretches: list[Stretch] = []
    size = 0
    for place, same in zip(places, shared, strict=True):
        own = samples[place].ids[same:]
        path = np.concatenate([paths[-1][:same] if same else [], np.arange(size, size + len(own))]).astype(np.int64)
        if len(own):
            ids.append(own)
            positions.append(np.arange(same, same + len(own)))
            stretches.append(Stretch(start=size, stop=size + len(own), before=_ranges(path[:same])))
        paths.append(path)
        size += len(own)
    return Row(
        ids=np.concatenate(ids),
        positions=np.concatenate(positions),
        stretches=tuple(stretches),
        members=tuple(places),
        paths=tuple(paths),
    )


def _ranges(path: Ints) -> tuple[tuple[int, int], ...]:
    if len(path) == 0:
        return ()
    cuts = np.flatnonzero(np.diff(path) != 1) + 1
    return tuple((int(part[0]), int(part[-1]) + 1) for part in np.split(path, cuts))


def _common(one: Ints, other: Ints) -> int:
    """How many first tokens are the same."""
    size = min(len(one), len(other))
    different = np.flatnonzero(one[:size] != other[:size])
    return int(different[0]) if len(different) else size
