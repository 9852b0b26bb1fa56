"""`Embedder`: texts become vectors. Which model is used is a setting; the packaged one is the default."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""float32[n, dim], every row of length 1 (L2), so that a dot product is the cosine."""


class Embedder(Protocol):
    """Texts to unit vectors. `id` names the model and everything that changes its vectors; it keys stored vectors."""

    @property
    def id(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim]; rows have length 1. An empty sequence gives a (0, dim) array."""
        ...
