"""What every `VectorIndex` promises, over every kind that runs on a CPU."""

from pathlib import Path

import numpy as np
import pytest

from retrieval.exact_vectors import HeldVectors, StoredVectors
from retrieval.vectors import VectorIndex, VectorKind, build_vectors, load_vectors, save_vectors

COUNT, DIM = 2500, 24


def unit_vectors(count: int, seed: int) -> np.ndarray:
    """Unit vectors in 40 clouds, as those of texts are."""
    chance = np.random.default_rng(seed)
    made = np.random.default_rng(0).normal(size=(40, DIM))[chance.integers(40, size=count)]
    made = (made + chance.normal(size=(count, DIM)) * 0.5).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


VECTORS, QUERIES = unit_vectors(COUNT, 1), unit_vectors(20, 2)
KINDS: list[VectorKind] = ["flat", "sq8", "hnsw", "ivf", "ivf_flat"]


@pytest.fixture(scope="module", params=KINDS)
def index(request: pytest.FixtureRequest) -> VectorIndex:
    made = build_vectors(VECTORS, request.param)
    assert made.kind == request.param
    return made


def exact(query: np.ndarray, k: int, allowed: np.ndarray | None = None) -> list[int]:
    cosines = VECTORS @ query
    if allowed is not None:
        cosines = np.where(allowed, cosines, -2)
    return np.argsort(-cosines, kind="stable")[:k].tolist()


def test_at_least_99_percent_of_the_nearest_are_found_with_their_exact_cosines(index: VectorIndex) -> None:
    found = 0
    for query in QUERIES:
        cosines, positions = index.search(query, 10)
        np.testing.assert_allclose(cosines, VECTORS[positions] @ query, rtol=1e-5, atol=1e-6)
        assert (np.diff(cosines) <= 0).all()
        found += len(set(positions.tolist()) & set(exact(query, 10)))
    assert found / (10 * len(QUERIES)) >= 0.99


@pytest.mark.parametrize("share", [0.7, 0.5, 0.3, 0.004, 0.0004])
def test_a_filter_of_any_width_gives_the_k_asked_for_out_of_the_allowed(index: VectorIndex, share: float) -> None:
    chance = np.random.default_rng(3)
    for query in QUERIES:
        allowed = np.zeros(COUNT, bool)
        furthest = np.argsort(VECTORS @ query)  # what is allowed is far from the query, where a search finds it last
        allowed[furthest[: max(1, int(share * COUNT))]] = True
        allowed[chance.integers(COUNT)] = True
        k = min(10, int(allowed.sum()))
        _, positions = index.search(query, 10, allowed)
        assert len(positions) == len(set(positions.tolist())) == k
        assert allowed[positions].all()
        assert len(set(positions.tolist()) & set(exact(query, k, allowed))) >= 0.5 * k


def test_asking_for_more_than_there_are_gives_all(index: VectorIndex) -> None:
    allowed = np.arange(COUNT) % 2 == 0
    assert len(index.search(QUERIES[0], COUNT + 5)[1]) == COUNT
    assert sorted(index.search(QUERIES[0], COUNT, allowed)[1].tolist()) == np.flatnonzero(allowed).tolist()
    assert len(index.search(QUERIES[0], 5, np.zeros(COUNT, bool))[1]) == 0
    assert len(index.search(QUERIES[0], 0)[1]) == 0


def test_cosines_of_any_positions_are_exact(index: VectorIndex) -> None:
    positions = np.array([COUNT - 1, 0, 7])
    np.testing.assert_allclose(index.cosines(QUERIES[0], positions), VECTORS[positions] @ QUERIES[0], rtol=1e-5)
    assert len(index.cosines(QUERIES[0], positions[:0])) == 0


def test_a_saved_index_answers_as_before(index: VectorIndex, tmp_path: Path) -> None:
    written = save_vectors(index, tmp_path / "one.faiss")
    assert written == (index.kind != "flat")
    again = load_vectors(tmp_path / "one.faiss", HeldVectors(VECTORS), index.kind)
    assert again.kind == index.kind
    assert again.search(QUERIES[1], 8)[1].tolist() == index.search(QUERIES[1], 8)[1].tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_so_few_vectors_are_searched_as_well(kind: VectorKind, count: int) -> None:
    few = build_vectors(VECTORS[:count], kind)
    assert sorted(few.search(QUERIES[0], 10)[1].tolist()) == list(range(count))


@pytest.mark.parametrize("kind", ["sq8", "hnsw", "ivf", "ivf_flat"])
def test_what_is_built_from_a_store_is_in_the_order_of_the_rows(kind: VectorKind) -> None:
    rows = np.random.default_rng(4).permutation(COUNT)[:500]
    made = build_vectors(StoredVectors(rows, lambda wanted: VECTORS[wanted]), kind)
    for place in (0, 250, 499):
        assert made.search(VECTORS[rows[place]], 1)[1].tolist() == [place]
