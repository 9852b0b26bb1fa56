"""Fakes that tests and examples use: no model, no file, the same result everywhere."""

import re
from collections.abc import Callable, Sequence
from zlib import crc32

import numpy as np

from retrieval.embedding import TextKind, Vectors

_WORD = re.compile(r"[^\W_]+")


class HashEmbedder:
    """A bag of lower-cased words, hashed: texts that share words are near each other, and that is all it knows.

    `snake_case` is two words; a text without words is a fixed vector.
    """

    def __init__(self, dim: int = 64) -> None:
        if dim < 1:
            raise ValueError(f"a vector needs at least one number, not {dim}")
        self._dim = dim

    @property
    def id(self) -> str:
        return f"hash-{self._dim}"

    @property
    def dim(self) -> int:
        return self._dim

    def embed(
        self, texts: Sequence[str], *, kind: TextKind = "document", progress: Callable[[int], None] | None = None
    ) -> Vectors:
        """float32[len(texts), dim], unit rows."""
        del kind
        vectors = np.zeros((len(texts), self._dim), np.float32)
        for row, text in enumerate(texts):
            words = _WORD.findall(text.lower()) or [""]
            for word in words:
                vectors[row, crc32(word.encode("utf-8", "surrogatepass")) % self._dim] += 1
            if progress is not None:
                progress(row + 1)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
