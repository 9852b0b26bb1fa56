"""The same tool from several servers: forks and mirrors share a place in a list, pure functions over candidates."""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from retrieval.embedding import Vectors

SAME = 0.85
"""The cosine from which two tools of one name are the same one (docs/decisions/007-sets.md has the sweep)."""

_SEPARATOR = re.compile(r"[\W_]+")


def alike(names: Sequence[str], vectors: Vectors, order: Sequence[int], *, same: float = SAME) -> list[int]:
    """For each candidate the one that stands for it: the first in `order` that is the same tool, often itself.

    Two are the same tool when their names have the same letters and digits and their vectors a cosine of at least
    `same`. `names` are the tools' own, without the server; `vectors` float32[n, dim], unit rows. A candidate that is
    not in `order` stands for itself.

    Example:
        alike(["list_files", "listFiles", "read"], vectors, [2, 1, 0]) == [1, 1, 2]    # where the first two are near
    """
    namesakes: dict[str, list[int]] = {}
    for place in order:
        namesakes.setdefault(plain_name(names[place]), []).append(place)
    heads = list(range(len(names)))
    for places in namesakes.values():
        while len(places) > 1:
            head, *rest = places
            # einsum and not `@`: so small a product is not worth waking the threads of the linear algebra library.
            cosines = np.einsum("ij,j->i", vectors[rest], vectors[head]).tolist()
            places = []
            for place, cosine in zip(rest, cosines, strict=True):
                if cosine >= same:
                    heads[place] = head
                else:
                    places.append(place)
    return heads


def alternatives(heads: Sequence[int], order: Sequence[int]) -> dict[int, list[int]]:
    """Each head with those that it stands for, both in `order`: a list without repeats, and what it leaves out.

    Example:
        alternatives([1, 1, 2], [2, 1, 0]) == {2: [], 1: [0]}
    """
    grouped: dict[int, list[int]] = {}
    for place in order:
        members = grouped.setdefault(heads[place], [])
        if heads[place] != place:
            members.append(place)
    return grouped


@lru_cache(maxsize=100_000)
def plain_name(name: str) -> str:
    """A name without what only writes it differently: `list-files`, `listFiles` and `list_files` are one.

    A name of separators alone stays as it is.
    """
    return _SEPARATOR.sub("", name).casefold() or name
