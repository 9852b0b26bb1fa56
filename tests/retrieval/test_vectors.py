from pathlib import Path

import numpy as np
import pytest

from retrieval.vectors import HNSW_FROM, VectorKind, build_vectors, chosen_kind, load_vectors


def unit_vectors(count: int, dim: int = 16, seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_nearest_vectors_come_first_with_their_cosines(kind: VectorKind) -> None:
    vectors = unit_vectors(300)
    index = build_vectors(vectors, kind)
    query = unit_vectors(1, seed=1)[0]
    cosines, positions = index.search(query, 5)
    expected = np.argsort(-(vectors @ query))[:5]
    assert positions.tolist() == expected.tolist()
    np.testing.assert_allclose(cosines, (vectors @ query)[expected], rtol=1e-5)
    np.testing.assert_allclose(index.cosines(query, expected), (vectors @ query)[expected], rtol=1e-5)


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_a_filter_gives_the_k_asked_for_out_of_the_allowed(kind: VectorKind) -> None:
    vectors = unit_vectors(300)
    index = build_vectors(vectors, kind)
    query = unit_vectors(1, seed=1)[0]
    allowed = np.zeros(300, bool)
    allowed[np.argsort(vectors @ query)[:40]] = True  # the ones that are furthest away
    _, positions = index.search(query, 10, allowed)
    assert len(positions) == 10
    assert allowed[positions].all()


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_asking_for_more_than_there_are_gives_all(kind: VectorKind) -> None:
    index = build_vectors(unit_vectors(3), kind)
    assert sorted(index.search(unit_vectors(1, seed=1)[0], 10)[1].tolist()) == [0, 1, 2]


def test_an_empty_index_finds_nothing() -> None:
    index = build_vectors(np.empty((0, 16), np.float32))
    assert len(index.search(unit_vectors(1)[0], 5)[1]) == 0


def test_a_saved_graph_answers_as_before(tmp_path: Path) -> None:
    index = build_vectors(unit_vectors(200), "hnsw")
    index.save(tmp_path / "graph")
    query = unit_vectors(1, seed=2)[0]
    assert load_vectors(tmp_path / "graph").search(query, 5)[1].tolist() == index.search(query, 5)[1].tolist()


def test_large_segments_get_a_graph() -> None:
    assert chosen_kind(HNSW_FROM - 1, "auto") == "flat"
    assert chosen_kind(HNSW_FROM, "auto") == "hnsw"
    assert chosen_kind(10, "hnsw") == "hnsw"
