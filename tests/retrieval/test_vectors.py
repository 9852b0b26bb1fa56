import threading
from pathlib import Path

import numpy as np
import pytest

from retrieval import vectors as kinds
from retrieval.errors import GpuMissing
from retrieval.exact_vectors import HeldVectors
from retrieval.vectors import build_vectors, chosen_kind, load_vectors, save_vectors
from retrieval.vectors_gpu import GpuIndex, on_gpu


def unit_vectors(count: int, dim: int = 16, seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_the_kind_goes_by_size_and_device() -> None:
    assert chosen_kind(kinds.HNSW_FROM - 1, "auto") == "flat"
    assert chosen_kind(kinds.HNSW_FROM, "auto") == "hnsw"
    assert chosen_kind(kinds.IVF_FROM, "auto") == "ivf"
    assert chosen_kind(kinds.HNSW_FROM, "auto", gpus=1) == "gpu_flat"
    assert chosen_kind(kinds.CAGRA_FROM, "auto", gpus=1) == "gpu_cagra"
    assert chosen_kind(10, "hnsw") == "hnsw"
    assert chosen_kind(0, "hnsw") == "flat"


def test_a_damaged_file_is_built_again_from_the_vectors(tmp_path: Path) -> None:
    vectors = unit_vectors(300)
    file = tmp_path / "one.faiss"
    save_vectors(build_vectors(vectors, "hnsw"), file)
    whole = file.read_bytes()
    for damaged in (b"", b"damaged", whole[: len(whole) // 2]):
        file.write_bytes(damaged)
        again = load_vectors(file, HeldVectors(vectors), "hnsw")
        assert again.search(vectors[7], 1)[1].tolist() == [7]


def test_a_file_of_another_kind_or_of_other_vectors_is_not_used(tmp_path: Path) -> None:
    vectors = unit_vectors(300)
    file = tmp_path / "one.faiss"
    save_vectors(build_vectors(vectors, "sq8"), file)
    assert load_vectors(file, HeldVectors(vectors), "ivf").kind == "ivf"
    assert load_vectors(file, HeldVectors(vectors), "flat").kind == "flat"
    assert len(load_vectors(file, HeldVectors(vectors[:200]), "sq8")) == 200


def test_threads_may_search_one_index() -> None:
    vectors = unit_vectors(2000)
    index = build_vectors(vectors, "hnsw")
    wrong: list[int] = []

    def search(start: int) -> None:
        for place in range(start, start + 60):
            if index.search(vectors[place], 1)[1].tolist() != [place]:
                wrong.append(place)

    threads = [threading.Thread(target=search, args=(start,)) for start in (0, 500, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not wrong


def test_a_gpu_that_is_not_there_is_named() -> None:
    if kinds.gpu_count():
        pytest.skip("there is a GPU here")
    with pytest.raises(GpuMissing, match="gpu_ivf"):
        build_vectors(unit_vectors(10), "gpu_ivf")


class OnCpu:
    """A CPU index where a GPU's would stand: it takes no filter either."""

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors = vectors
        self.ntotal = len(vectors)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        cosines = queries @ self.vectors.T
        order = np.argsort(-cosines, axis=1)[:, :k]
        return np.take_along_axis(cosines, order, axis=1), order


@pytest.mark.parametrize("share", [1.0, 0.5, 0.01])
def test_filters_over_an_index_that_knows_none_give_the_k_asked_for(share: float) -> None:
    vectors = unit_vectors(2000)
    index = GpuIndex(OnCpu(vectors), "gpu_flat", HeldVectors(vectors))
    query = unit_vectors(1, seed=5)[0]
    allowed = np.zeros(2000, bool)
    allowed[np.argsort(vectors @ query)[: int(share * 2000)]] = True
    cosines, positions = index.search(query, 10, allowed)
    wanted = np.argsort(-np.where(allowed, vectors @ query, -2))[:10]
    assert positions.tolist() == wanted.tolist()
    np.testing.assert_allclose(cosines, (vectors @ query)[wanted], rtol=1e-5)


def test_cagra_needs_a_faiss_built_for_it() -> None:
    class WithoutCuvs:
        METRIC_INNER_PRODUCT = 0
        StandardGpuResources = object

    with pytest.raises(GpuMissing, match="cuVS"):
        on_gpu(WithoutCuvs, unit_vectors(10), "gpu_cagra")
