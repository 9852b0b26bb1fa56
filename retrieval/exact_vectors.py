"""`ExactVectors`: where an index takes the vectors that it was built from, to score candidates exactly."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.embedding import Vectors

Floats = NDArray[np.float32]
Positions = NDArray[np.int64]

VectorsOf = Callable[[NDArray[np.int64]], Vectors]
"""Rows of the vector store -> float32[n, dim]."""


class ExactVectors(Protocol):
    """n unit vectors of one dimension, by position."""

    def take(self, positions: Positions) -> Vectors:
        """float32[len(positions), dim]."""
        ...

    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True, eq=False)
class HeldVectors:
    """Vectors in memory."""

    vectors: Vectors

    def take(self, positions: Positions) -> Vectors:
        return self.vectors[positions]

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass(frozen=True, slots=True, eq=False)
class StoredVectors:
    """Vectors that stay in the vector store, at `rows`: nothing of them is held."""

    rows: NDArray[np.int64]
    read: VectorsOf

    def take(self, positions: Positions) -> Vectors:
        return self.read(self.rows[positions])

    def __len__(self) -> int:
        return len(self.rows)


def nearest(cosines: Floats, positions: Positions, k: int) -> tuple[Floats, Positions]:
    """The k greatest cosines, falling, and their positions; equal ones by position."""
    if len(cosines) > k:
        kept = np.argpartition(-cosines, k - 1)[:k]
        cosines, positions = cosines[kept], positions[kept]
    order = np.lexsort((positions, -cosines))
    return cosines[order], positions[order]
