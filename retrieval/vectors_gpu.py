"""Indexes in the memory of a GPU: flat, IVF, and CAGRA's graph where FAISS is built with cuVS."""

import threading
from typing import Any, Literal

import faiss
import numpy as np
from numpy.typing import NDArray

from retrieval.embedding import Vectors
from retrieval.errors import GpuMissing
from retrieval.exact_vectors import ExactVectors, Floats, Positions, nearest
from retrieval.faiss_index import lists_for

_faiss: Any = faiss

GpuKind = Literal["gpu_flat", "gpu_ivf", "gpu_cagra"]

_SPARE = 50
_MOST = 1024
"""The most neighbours that are asked of a GPU at once; a filter that needs more is a scan of what it allows."""
_IVF_SHARE = 32


class GpuIndex:
    """A GPU's index finds candidates, exact vectors score them. FAISS lets one thread at a time use a GPU's memory.

    GPU indexes take no filter: more candidates are asked for, and those that are not allowed are dropped; where too
    few are left, all that are allowed are compared.
    """

    def __init__(self, index: Any, kind: GpuKind, exact: ExactVectors) -> None:
        self.kind = kind
        self._index = index
        self._exact = exact
        self._one_at_a_time = threading.Lock()

    def search(self, query: Vectors, k: int, allowed: NDArray[np.bool_] | None = None) -> tuple[Floats, Positions]:
        count = len(self) if allowed is None else int(np.count_nonzero(allowed))
        k = min(k, count)
        if k <= 0:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        wanted = int((k + _SPARE) * len(self) / count)
        positions = np.empty(0, np.int64)
        if wanted <= _MOST:
            with self._one_at_a_time:
                _, found = self._index.search(query.reshape(1, -1), min(wanted, len(self)))
            positions = found[0][found[0] >= 0]
            if allowed is not None:
                positions = positions[allowed[positions]]
        if len(positions) < k:
            positions = np.arange(len(self)) if allowed is None else np.flatnonzero(allowed)
        return nearest(self.cosines(query, positions), positions, k)

    def cosines(self, query: Vectors, positions: Positions) -> Floats:
        return self._exact.take(positions) @ query

    def __len__(self) -> int:
        return self._index.ntotal


def build_on_gpu(exact: ExactVectors, kind: GpuKind) -> GpuIndex:
    """An index on the first GPU.

    Raises:
        GpuMissing: this FAISS sees no GPU, or is built without what the kind needs.
    """
    if not gpu_count():
        raise GpuMissing(
            f"vectors = {kind!r} needs a GPU that FAISS can use, and it sees none: choose another kind, or install "
            "faiss-gpu in the place of faiss-cpu (quartermaster doctor says which one is loaded)"
        )
    return GpuIndex(on_gpu(_faiss, exact.take(np.arange(len(exact))), kind), kind, exact)


def on_gpu(library: Any, vectors: Vectors, kind: GpuKind) -> Any:
    """FAISS's index of one kind with some vectors in it; `library` is the module `faiss`."""
    dim, resources = vectors.shape[1], library.StandardGpuResources()
    inner = library.METRIC_INNER_PRODUCT
    if kind == "gpu_flat":
        index = library.GpuIndexFlatIP(resources, dim)
    elif kind == "gpu_ivf":
        lists = lists_for(len(vectors))
        index = library.GpuIndexIVFFlat(resources, dim, lists, inner)
        index.nprobe = max(1, lists // _IVF_SHARE)
        index.train(vectors)
    elif not hasattr(library, "GpuIndexCagra"):
        raise GpuMissing(
            "vectors = 'gpu_cagra' needs a FAISS built with cuVS (conda's faiss-gpu-cuvs), this one is not"
        )
    else:
        index = library.GpuIndexCagra(resources, dim, inner)
        index.train(vectors)  # CAGRA builds its graph, and takes the vectors, when it is trained
        return index
    index.add(vectors)
    return index


def gpu_count() -> int:
    """How many GPUs this FAISS can use: 0 with the CPU package."""
    return int(_faiss.get_num_gpus()) if hasattr(_faiss, "get_num_gpus") else 0
