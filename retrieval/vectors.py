"""`VectorIndex`: nearest vectors of one immutable segment by position, and which kind is taken for how many."""

from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.embedding import Vectors
from retrieval.exact_vectors import ExactVectors, Floats, HeldVectors, Positions
from retrieval.faiss_index import FaissIndex, FaissKind, build_faiss, load_faiss
from retrieval.flat_index import FlatIndex
from retrieval.vectors_gpu import GpuKind, build_on_gpu, gpu_count

__all__ = ["VectorIndex", "VectorKind", "build_vectors", "chosen_kind", "gpu_count", "load_vectors", "save_vectors"]

Allowed = NDArray[np.bool_]
"""bool[n]: which positions a search may return."""

VectorKind = Literal["auto", "flat", FaissKind, GpuKind]

HNSW_FROM = 10_000
"""Segments of at least so many vectors get a graph; below that comparing with all is as fast and needs no building."""
IVF_FROM = 3_000_000
"""From so many vectors on a graph takes too long to build, and lists are searched instead, at a lower recall."""
CAGRA_FROM = 100_000
"""On a GPU comparing with all is fast up to here; beyond, its graph."""


class VectorIndex(Protocol):
    """n unit vectors that do not change. Positions count from 0, in the order in which they were given.

    Searches may run in several threads at once.
    """

    @property
    def kind(self) -> str: ...

    def search(self, query: Vectors, k: int, allowed: Allowed | None = None) -> tuple[Floats, Positions]:
        """The k nearest allowed ones to a query float32[dim]: exact cosines, falling, and positions; fewer when fewer
        are allowed. Which ones are found may be approximate."""
        ...

    def cosines(self, query: Vectors, positions: Positions) -> Floats:
        """The exact cosines of some positions."""
        ...

    def __len__(self) -> int: ...


def build_vectors(vectors: Vectors | ExactVectors, kind: VectorKind = "auto") -> VectorIndex:
    """An index over unit vectors; `auto` takes the kind by their number and by whether FAISS sees a GPU."""
    exact = HeldVectors(vectors) if isinstance(vectors, np.ndarray) else vectors
    chosen = chosen_kind(len(exact), kind, gpu_count())
    if chosen == "flat":
        return FlatIndex(exact)
    if chosen in ("gpu_flat", "gpu_ivf", "gpu_cagra"):
        return build_on_gpu(exact, chosen)
    return build_faiss(exact, chosen)


def chosen_kind(count: int, kind: VectorKind, gpus: int = 0) -> Literal["flat", FaissKind, GpuKind]:
    """What a kind means for so many vectors. Without any there is nothing to train: that is always flat."""
    if count == 0:
        return "flat"
    if kind != "auto":
        return kind
    if count < HNSW_FROM:
        return "flat"
    if gpus:
        return "gpu_cagra" if count >= CAGRA_FROM else "gpu_flat"
    return "ivf" if count >= IVF_FROM else "hnsw"


def save_vectors(index: VectorIndex, path: Path) -> bool:
    """Write an index that takes long to build; False for one that does not, or that lives on a GPU."""
    if not isinstance(index, FaissIndex):
        return False
    index.save(path)
    return True


def load_vectors(path: Path, exact: ExactVectors, kind: VectorKind = "auto") -> VectorIndex:
    """The index that was saved; built anew where none was, where it cannot be read, or where another kind is set."""
    chosen = chosen_kind(len(exact), kind, gpu_count())
    if path.exists() and chosen in ("sq8", "hnsw", "ivf", "ivf_flat"):
        try:
            saved = load_faiss(path, exact)
        except (RuntimeError, ValueError):  # a damaged file costs the time to build it again, and nothing else
            path.unlink(missing_ok=True)
        else:
            if kind == "auto" or saved.kind == chosen:
                return saved
    return build_vectors(exact, kind)
