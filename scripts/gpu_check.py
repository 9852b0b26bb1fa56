"""What a GPU would be used for, and whether this machine has one that FAISS can use: `make gpu-check`.

Where there is one, flat, IVF and CAGRA run on it and flat and IVF on the CPU: build time, recall against exact, and the
time of one query and of a batch. FAISS has CAGRA only when it is built with cuVS.
Then a real language model is trained, where one is given (scripts/gpu_training.py).
Where there is no GPU, nothing is measured, and it says so. Examples: python scripts/gpu_check.py --model MODEL.gguf |
python scripts/gpu_check.py --only training --model SmolLM2.gguf --tiny
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
from gpu_training import add_options, train_part

from retrieval.errors import GpuMissing
from retrieval.exact_vectors import HeldVectors
from retrieval.faiss_index import build_faiss
from retrieval.flat_index import FlatIndex
from retrieval.vectors_gpu import on_gpu

_VECTORS, _DIM, _QUERIES, _K = 200_000, 384, 256, 10
_CLOUDS = 2000
_REPEATS = 5
_NEEDS = (
    "A GPU speeds up the vector search of very large catalogues. It needs an NVIDIA driver and a FAISS built for it,\n"
    "in the place of the CPU one:  pip uninstall faiss-cpu && pip install '.[gpu]'"
)


def main(options: argparse.Namespace) -> int:
    status = _search_part() if options.only != "training" else 0
    return status or (train_part(options) if options.only != "search" else 0)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("search", "training"), help="one of the two parts")
    add_options(parser)
    return parser.parse_args()


def _search_part() -> int:
    driver = _driver()
    count = getattr(faiss, "get_num_gpus", int)()
    print(f"driver: {driver or 'none (nvidia-smi is not there, or fails)'}")
    print(f"faiss {faiss.__version__}: {'built for GPUs' if hasattr(faiss, 'StandardGpuResources') else 'CPU only'}")
    if not driver:
        print(f"no GPU here: nothing measured\n\n{_NEEDS}")
        return 0
    if not count or not hasattr(faiss, "StandardGpuResources"):
        print(f"a GPU is here, but this FAISS cannot use it: nothing measured\n\n{_NEEDS}")
        return 0
    return _measure()


def _driver() -> str:
    if not shutil.which("nvidia-smi"):
        return ""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    return "; ".join(done.stdout.split("\n")).strip("; ") if done.returncode == 0 else ""


def _measure() -> int:
    vectors = _clouds(_VECTORS + _QUERIES)
    stored, queries = vectors[:_VECTORS], vectors[_VECTORS:]
    print(f"{_VECTORS:,} vectors of {_DIM} numbers in {_CLOUDS:,} clouds, {_QUERIES} queries, best of {_REPEATS} runs")
    print(f"{'':16} {'build s':>8} {'one query ms':>13} {'batch ms':>9} {'recall@10':>10}")
    flat = FlatIndex(HeldVectors(stored))
    wanted = [set(flat.search(query, _K)[1].tolist()) for query in queries]
    for name, build in _KINDS.items():
        try:
            start = time.perf_counter()
            index = build(stored)
            built = time.perf_counter() - start
        except GpuMissing as error:
            print(f"{name:16} left out: {error}")
            continue
        one = min(_seconds(index, queries[:1]) for _ in range(20))
        batch = min(_seconds(index, queries) for _ in range(_REPEATS))
        _, found = index.search(queries, _K)
        recall = np.mean([len(set(row.tolist()) & best) / _K for row, best in zip(found, wanted, strict=True)])
        print(f"{name:16} {built:8.1f} {one * 1000:13.2f} {batch * 1000:9.1f} {recall:10.3f}", flush=True)
    return 0


def _clouds(count: int) -> Any:
    """Unit vectors around centres: uniform ones have no near neighbours, and texts do."""
    chance = np.random.default_rng(7)
    centres = chance.standard_normal((_CLOUDS, _DIM), dtype=np.float32)
    vectors = centres[chance.integers(_CLOUDS, size=count)]
    vectors += 0.7 * chance.standard_normal((count, _DIM), dtype=np.float32)
    faiss.normalize_L2(vectors)
    return vectors


def _cpu_flat(vectors: Any) -> Any:
    index = faiss.IndexFlatIP(_DIM)
    index.add(vectors)
    return index


def _cpu_ivf(vectors: Any) -> Any:
    index = build_faiss(HeldVectors(vectors), "ivf").raw
    index.nprobe = max(1, index.nlist // 32)
    return index


_KINDS: dict[str, Callable[[Any], Any]] = {
    "CPU flat": _cpu_flat,
    "CPU IVF, SQ8": _cpu_ivf,
    "GPU flat": lambda vectors: on_gpu(faiss, vectors, "gpu_flat"),
    "GPU IVF": lambda vectors: on_gpu(faiss, vectors, "gpu_ivf"),
    "GPU CAGRA": lambda vectors: on_gpu(faiss, vectors, "gpu_cagra"),
}


def _seconds(index: Any, queries: Any) -> float:
    start = time.perf_counter()
    index.search(queries, _K)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main(arguments()))
