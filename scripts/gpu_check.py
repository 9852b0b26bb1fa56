"""What a GPU would be used for, and whether this machine has one that FAISS can use: `make gpu-check`.

Where there is one, the same exact search runs on the CPU and on the GPU, the answers are compared and both are timed.
Where there is none, nothing is measured, and it says so.
"""

import shutil
import subprocess
import sys
import time
from typing import Any

import faiss
import numpy as np

_VECTORS, _DIM, _QUERIES, _K = 200_000, 384, 256, 10
_REPEATS = 5
_NEEDS = (
    "A GPU speeds up the vector search of very large catalogues. It needs an NVIDIA driver and a FAISS built for it,\n"
    "in the place of the CPU one:  pip uninstall faiss-cpu && pip install '.[gpu]'"
)


def main() -> int:
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
    vectors = np.random.default_rng(7).standard_normal((_VECTORS + _QUERIES, _DIM), dtype=np.float32)
    faiss.normalize_L2(vectors)
    stored, queries = vectors[:_VECTORS], vectors[_VECTORS:]
    on_cpu = faiss.IndexFlatIP(_DIM)
    on_cpu.add(stored)
    resources = faiss.StandardGpuResources()
    on_gpu = faiss.index_cpu_to_gpu(resources, 0, on_cpu)
    cpu_s, cpu_ids = _best_of(on_cpu, queries)
    gpu_s, gpu_ids = _best_of(on_gpu, queries)
    same = float(np.mean(cpu_ids[:, 0] == gpu_ids[:, 0]))
    print(f"{_QUERIES} queries over {_VECTORS:,} vectors of {_DIM} numbers, exact search, best of {_REPEATS}")
    print(f"  CPU {cpu_s * 1000:8.1f} ms   ({faiss.omp_get_max_threads()} threads)")
    print(f"  GPU {gpu_s * 1000:8.1f} ms   {cpu_s / gpu_s:.1f} times as fast")
    print(f"  the best hit is the same for {same:.1%} of the queries")
    return 0 if same > 0.99 else 1


def _best_of(index: Any, queries: np.ndarray) -> tuple[float, np.ndarray]:
    """The shortest of some searches in seconds, after one that warms up, and the ids that were found."""
    _, ids = index.search(queries, _K)
    times: list[float] = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        _, ids = index.search(queries, _K)
        times.append(time.perf_counter() - start)
    return min(times), ids


if __name__ == "__main__":
    sys.exit(main())
