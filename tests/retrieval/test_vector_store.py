from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from retrieval.errors import ModelMismatch
from retrieval.testing import HashEmbedder
from retrieval.vector_store import VectorStore


class Counting(HashEmbedder):
    """An embedder that remembers which texts it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str], **options: object) -> np.ndarray:
        self.asked += texts
        return super().embed(texts)


def test_no_text_is_embedded_twice(tmp_path: Path) -> None:
    embedder = Counting()
    store = VectorStore(tmp_path / "v.bin", embedder.dim)
    first = store.rows(["a", "b", "a"], embedder)
    assert first[0] == first[2]
    assert sorted(embedder.asked) == ["a", "b"]
    again = VectorStore(tmp_path / "v.bin", embedder.dim)
    assert again.rows(["b", "a"], embedder) == [first[1], first[0]]
    assert len(embedder.asked) == 2


def test_vectors_come_back_as_they_were_made(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    store = VectorStore(tmp_path / "v.bin", embedder.dim)
    texts = ["list files", "send a mail", "天气"]
    rows = np.array(store.rows(texts, embedder))
    np.testing.assert_array_equal(store.vectors(rows), embedder.embed(texts))


def test_a_record_cut_off_by_a_crash_costs_only_itself(tmp_path: Path) -> None:
    embedder = Counting()
    path = tmp_path / "v.bin"
    VectorStore(path, embedder.dim).rows(["a", "b"], embedder)
    path.write_bytes(path.read_bytes() + b"half a record")
    store = VectorStore(path, embedder.dim)
    rows = store.rows(["b", "a", "c"], embedder)
    assert embedder.asked.count("c") == 1
    assert len(embedder.asked) == 3
    np.testing.assert_array_equal(store.vectors(np.array(rows)), embedder.embed(["b", "a", "c"]))


def test_what_another_process_appended_is_seen(tmp_path: Path) -> None:
    embedder = Counting()
    one, other = VectorStore(tmp_path / "v.bin", embedder.dim), VectorStore(tmp_path / "v.bin", embedder.dim)
    one.rows(["a"], embedder)
    other.rows(["b"], embedder)
    assert one.rows(["b"], embedder) == [1]
    assert embedder.asked == ["a", "b"]


def test_a_model_of_another_dimension_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelMismatch, match="64"):
        VectorStore(tmp_path / "v.bin", 8).rows(["a"], HashEmbedder(dim=64))


def test_progress_counts_new_texts_only(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    store = VectorStore(tmp_path / "v.bin", embedder.dim)
    store.rows(["a"], embedder)
    told: list[tuple[int, int]] = []
    store.rows(["a", "b", "c"], embedder, lambda done, total: told.append((done, total)))
    assert told[-1] == (2, 2)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
