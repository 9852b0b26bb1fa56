"""`Embedder`: what turns texts into vectors, and what every implementation of it shares."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""float32[n, dim], every row of length 1 (L2), so that a dot product is the cosine."""

TextKind = Literal["document", "query"]
"""What a text is to the search. Some models (E5, BGE) put another prompt before a query than before what is found."""


class Embedder(Protocol):
    """Texts to unit vectors. `id` names the model and everything that changes its vectors; it keys stored vectors.

    An embedder may be called from several threads.
    """

    @property
    def id(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def embed(
        self, texts: Sequence[str], *, kind: TextKind = "document", progress: Callable[[int], None] | None = None
    ) -> Vectors:
        """float32[len(texts), dim]; rows have length 1. An empty sequence gives a (0, dim) array.

        Every string has a vector: the empty one, one with NULs, one with lone surrogates. `progress` is called now
        and then, in the caller's thread, with how many of the texts are done.
        """
        ...


def well_formed(text: str) -> str:
    """The text with halves of UTF-16 pairs joined and lone ones replaced: JSON may hold them, UTF-8 may not."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def distinct(texts: Sequence[str]) -> tuple[list[str], NDArray[np.intp]]:
    """Each text once, in order of appearance, and the place of every given text among them.

    Example:
        ["a", "b", "a"] -> (["a", "b"], [0, 1, 0])
    """
    places: dict[str, int] = {}
    where = [places.setdefault(text, len(places)) for text in texts]
    return list(places), np.array(where, np.intp)
