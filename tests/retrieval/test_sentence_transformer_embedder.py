"""sentence-transformers' side; a stand-in for the library's model shows what is asked of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from retrieval.errors import ModelMissing
from retrieval.sentence_transformer import SentenceTransformerEmbedder


class Recorded:
    """As much of a loaded model as is used; remembers what it was given."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self.documents: list[str] = []

    def encode_query(self, texts: Sequence[str], **options: Any) -> np.ndarray:
        self.queries.extend(texts)
        return self._rows(texts, options)

    def encode_document(self, texts: Sequence[str], **options: Any) -> np.ndarray:
        self.documents.extend(texts)
        return self._rows(texts, options)

    def _rows(self, texts: Sequence[str], options: dict[str, Any]) -> np.ndarray:
        assert options["normalize_embeddings"]
        return np.eye(4, dtype=np.float32)[[len(text) % 4 for text in texts]]


def test_queries_and_documents_go_through_the_models_own_prompts() -> None:
    model = Recorded()
    embedder = SentenceTransformerEmbedder(model, name="recorded-1", dim=4)
    embedder.embed(["a tool"])
    embedder.embed(["a wish"], kind="query")
    assert (model.documents, model.queries) == (["a tool"], ["a wish"])


def test_equal_texts_are_embedded_once_and_put_back_in_place() -> None:
    model = Recorded()
    vectors = SentenceTransformerEmbedder(model, name="recorded-1", dim=4).embed(["b", "aa", "b"])
    assert model.documents == ["b", "aa"]
    assert vectors.argmax(axis=1).tolist() == [1, 2, 1]


def test_many_texts_report_progress_between_chunks() -> None:
    seen: list[int] = []
    texts = [f"text {i}" for i in range(2500)]
    SentenceTransformerEmbedder(Recorded(), name="recorded-1", dim=4).embed(texts, progress=seen.append)
    assert seen == [1024, 2048, 2500]


def test_a_folder_without_a_model_is_named(tmp_path: Any) -> None:
    pytest.importorskip("sentence_transformers", reason="the extra `sentence-transformers` is not installed")
    with pytest.raises(ModelMissing, match=str(tmp_path)):
        SentenceTransformerEmbedder.load(str(tmp_path))
