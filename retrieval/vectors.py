"""Nearest vectors of one immutable segment, by position: FAISS, exact or HNSW by size."""

import os
from pathlib import Path
from typing import Any, Literal, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from retrieval.embedding import Vectors

Floats = NDArray[np.float32]
Positions = NDArray[np.int64]
Allowed = NDArray[np.bool_]
"""bool[n]: which positions a search may return."""

_faiss: Any = faiss
"""FAISS's classes are made by SWIG: their real constructors are not what its type stubs say."""

VectorKind = Literal["auto", "flat", "hnsw"]

HNSW_FROM = 50_000
"""Segments of at least so many vectors get a graph; below that an exact scan is as fast and needs no building."""

_HNSW_LINKS = 32
_HNSW_BUILD = 100
_HNSW_SEARCH = 96


class VectorIndex(Protocol):
    """n unit vectors that do not change. Positions count from 0, in the order in which they were given."""

    def search(self, query: Vectors, k: int, allowed: Allowed | None = None) -> tuple[Floats, Positions]:
        """The k nearest allowed ones to a query float32[dim]: cosines, falling, and positions; fewer when fewer are."""
        ...

    def cosines(self, query: Vectors, positions: Positions) -> Floats:
        """The exact cosines of some positions."""
        ...

    def __len__(self) -> int: ...


class FaissIndex:
    """A FAISS inner-product index over unit vectors."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self.is_graph = isinstance(index, faiss.IndexHNSW)

    def search(self, query: Vectors, k: int, allowed: Allowed | None = None) -> tuple[Floats, Positions]:
        k = min(k, len(self))
        if k == 0:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        # One query is too little work to share: waking other threads costs more than they do, above all on busy cores.
        _faiss.omp_set_num_threads(1)
        selector = None
        if allowed is not None:
            bits = np.packbits(allowed, bitorder="little")
            selector = _faiss.IDSelectorBitmap(bits)
        if self.is_graph:
            parameters = _faiss.SearchParametersHNSW(sel=selector, efSearch=max(_HNSW_SEARCH, 2 * k))
        else:
            parameters = _faiss.SearchParameters(sel=selector)
        cosines, positions = self._index.search(query.reshape(1, -1), k, params=parameters)
        found = positions[0] >= 0
        return cosines[0][found], positions[0][found]

    def cosines(self, query: Vectors, positions: Positions) -> Floats:
        if not len(positions):
            return np.empty(0, np.float32)
        return self._index.reconstruct_batch(positions) @ query

    def __len__(self) -> int:
        return self._index.ntotal

    def save(self, path: Path) -> None:
        """Write a graph to a file, so that it need not be built again."""
        faiss.write_index(self._index, str(path))


def build_vectors(vectors: Vectors, kind: VectorKind = "auto") -> FaissIndex:
    """An index over float32[n, dim] unit vectors; `auto` takes the kind by size."""
    count, dim = vectors.shape
    _faiss.omp_set_num_threads(os.cpu_count() or 1)
    if chosen_kind(count, kind) == "hnsw":
        graph = _faiss.IndexHNSWFlat(dim, _HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = _HNSW_BUILD
        graph.add(np.ascontiguousarray(vectors))
        return FaissIndex(graph)
    flat = _faiss.IndexFlatIP(dim)
    flat.add(np.ascontiguousarray(vectors))
    return FaissIndex(flat)


def chosen_kind(count: int, kind: VectorKind) -> Literal["flat", "hnsw"]:
    """What `auto` means for so many vectors."""
    if kind == "auto":
        return "hnsw" if count >= HNSW_FROM else "flat"
    return kind


def load_vectors(path: Path) -> FaissIndex:
    """An index that `save` wrote. Raises RuntimeError (FAISS's own) when the file cannot be read."""
    return FaissIndex(faiss.read_index(str(path)))


def gpu_count() -> int:
    """How many GPUs this FAISS can use: 0 with the CPU package."""
    return int(_faiss.get_num_gpus()) if hasattr(_faiss, "get_num_gpus") else 0
