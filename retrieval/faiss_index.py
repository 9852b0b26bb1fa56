"""`FaissIndex`: candidates by FAISS over 8-bit vectors, scored again with the exact ones."""

import os
from math import ceil
from pathlib import Path
from typing import Any, Literal

import faiss
import numpy as np
from numpy.typing import NDArray

from retrieval.array_file import replacing
from retrieval.embedding import Vectors
from retrieval.exact_vectors import ExactVectors, Floats, Positions, nearest

_faiss: Any = faiss
"""FAISS's classes are made by SWIG: their real constructors are not what its type stubs say."""

FaissKind = Literal["sq8", "hnsw", "ivf", "ivf_flat"]

_SPARE = 50
"""So many candidates more than asked for are scored exactly: what 8 bits put in the wrong order is put right."""
_FEW = 1024
"""Among at most so many allowed vectors the exact ones are compared, whatever the kind."""
_NARROW = 0.25
"""A filter that allows a smaller share than this makes a walk through a graph longer than a scan of the allowed."""

_HNSW_LINKS = 32
_HNSW_BUILD = 100
_HNSW_SEARCH = 256
_IVF_SHARE = 4
"""One list of so many is searched: questions lie far from tools, and their neighbours in many lists."""
_IVF_LEAST = 8
_IVF_SAMPLES = 64
"""Training vectors for each list of IVF."""
_TRAINING = 50_000
"""Training vectors for the ranges of 8-bit numbers; also how many vectors are added at a time."""


class FaissIndex:
    """A FAISS index of inner products over unit vectors; cosines that it returns are the exact ones."""

    def __init__(self, index: Any, kind: FaissKind, exact: ExactVectors) -> None:
        self.kind = kind
        self._index = index
        self._exact = exact

    def search(self, query: Vectors, k: int, allowed: NDArray[np.bool_] | None = None) -> tuple[Floats, Positions]:
        count = len(self) if allowed is None else int(np.count_nonzero(allowed))
        k = min(k, count)
        if k <= 0:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        if allowed is not None and count <= max(_FEW, k):
            positions = np.flatnonzero(allowed)
        else:
            positions = self._candidates(query, min(k + _SPARE, count), allowed, count / len(self))
            if len(positions) < k:
                positions = self._candidates(query, min(k + _SPARE, count), allowed, 0.0)
        return nearest(self.cosines(query, positions), positions, k)

    def cosines(self, query: Vectors, positions: Positions) -> Floats:
        return self._exact.take(positions) @ query

    def __len__(self) -> int:
        return self._index.ntotal

    @property
    def raw(self) -> Any:
        """FAISS's own index, to measure it by itself."""
        return self._index

    def save(self, path: Path) -> None:
        """Write it to a file in one step, so that it need not be built again."""
        with replacing(path) as part:
            faiss.write_index(self._index, str(part))

    def _candidates(self, query: Vectors, k: int, allowed: NDArray[np.bool_] | None, share: float) -> Positions:
        """k near positions, or fewer; `share` is how much of all is allowed, and 0 asks for everything to be seen."""
        # One query is too little work to share: waking other threads costs more than they do, above all on busy cores.
        _faiss.omp_set_num_threads(1)
        if self.kind != "sq8" and share >= _NARROW:
            return self._unfiltered(query, min(ceil(k / share), len(self)), allowed)
        index = self._index.storage if self.kind == "hnsw" else self._index
        bits = None if allowed is None else np.packbits(allowed, bitorder="little")
        chosen = None if bits is None else _faiss.IDSelectorBitmap(bits)
        if self.kind in {"ivf", "ivf_flat"}:
            parameters = _faiss.SearchParametersIVF(sel=chosen, nprobe=index.nlist)
        else:
            parameters = _faiss.SearchParameters(sel=chosen)
        _, positions = index.search(query.reshape(1, -1), k, params=parameters)
        return positions[0][positions[0] >= 0]

    def _unfiltered(self, query: Vectors, k: int, allowed: NDArray[np.bool_] | None) -> Positions:
        """The allowed ones of the k that a graph or some of the lists give as nearest.

        These know no filter: a search that only keeps what is allowed ends far from the best where those near the query
        are not allowed. What is left of the nearest is right, however many that are.
        """
        if self.kind == "hnsw":
            parameters = _faiss.SearchParametersHNSW(efSearch=max(_HNSW_SEARCH, k))
        else:
            lists = min(self._index.nlist, max(_IVF_LEAST, ceil(self._index.nlist / _IVF_SHARE)))
            parameters = _faiss.SearchParametersIVF(nprobe=lists)
        _, positions = self._index.search(query.reshape(1, -1), k, params=parameters)
        found = positions[0][positions[0] >= 0]
        return found if allowed is None else found[allowed[found]]


def build_faiss(exact: ExactVectors, kind: FaissKind) -> FaissIndex:
    """An index of one kind over all vectors, read in blocks."""
    count = len(exact)
    dim = exact.take(np.arange(1)).shape[1]
    index = _empty(kind, dim, count)
    _faiss.omp_set_num_threads(os.cpu_count() or 1)
    if not index.is_trained:
        samples = min(count, max(_TRAINING, _IVF_SAMPLES * getattr(index, "nlist", 0)))
        drawn = np.random.default_rng(0).choice(count, samples, replace=False)
        index.train(exact.take(np.sort(drawn)))
    for start in range(0, count, _TRAINING):
        index.add(np.ascontiguousarray(exact.take(np.arange(start, min(count, start + _TRAINING)))))
    return FaissIndex(index, kind, exact)


def load_faiss(path: Path, exact: ExactVectors) -> FaissIndex:
    """What `save` wrote.

    Raises:
        RuntimeError: FAISS's own: the file cannot be read.
        ValueError: it holds another number of vectors, or a kind that is none of ours.
    """
    index: Any = faiss.read_index(str(path))
    if index.ntotal != len(exact):
        raise ValueError(f"{path} holds {index.ntotal} vectors, not {len(exact)}")
    return FaissIndex(index, _kind_of(index), exact)


def _empty(kind: FaissKind, dim: int, count: int) -> Any:
    metric, eight_bits = faiss.METRIC_INNER_PRODUCT, _faiss.ScalarQuantizer.QT_8bit
    if kind == "sq8":
        return _faiss.IndexScalarQuantizer(dim, eight_bits, metric)
    if kind == "hnsw":
        index = _faiss.IndexHNSWSQ(dim, eight_bits, _HNSW_LINKS, metric)
        index.hnsw.efConstruction = _HNSW_BUILD
        return index
    centres = _faiss.IndexFlatIP(dim)
    lists = lists_for(count)
    if kind == "ivf":
        index = _faiss.IndexIVFScalarQuantizer(centres, dim, lists, eight_bits, metric)
    else:
        index = _faiss.IndexIVFFlat(centres, dim, lists, metric)
    index.cp.min_points_per_centroid = 1
    return index


def lists_for(count: int) -> int:
    """How many lists IVF has for so many vectors: the power of 2 next to twice the square root."""
    return max(1, min(count, 2 ** round(np.log2(2 * max(1, count) ** 0.5))))


def _kind_of(index: Any) -> FaissKind:
    if isinstance(index, _faiss.IndexHNSW):
        return "hnsw"
    if isinstance(index, _faiss.IndexIVFScalarQuantizer):
        return "ivf"
    if isinstance(index, _faiss.IndexIVFFlat):
        return "ivf_flat"
    if isinstance(index, _faiss.IndexScalarQuantizer):
        return "sq8"
    raise ValueError(f"{type(index).__name__} is no kind of index that is used here")
