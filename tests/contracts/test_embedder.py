"""What every `Embedder` promises, over every implementation."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.embedders import DEFAULT_MODEL, model_folder, open_embedder
from retrieval.embedding import Embedder
from retrieval.testing import HashEmbedder

TEXTS = [
    "git_log Shows the commit logs",
    "get_forecast Get the weather for a place. latitude longitude days",
    "",
    "x",
    "git_log Shows the commit logs",
    "查询天气 city",
]

ODD = ["", " ", "\0", "a\0b", "\ud800", "\udc00\ud800", "caf\ud83d", "\ud83d\ude00", "\u202e\ufeff", "e\u0301" * 50]

anything = st.text(st.characters(codec=None), max_size=40)


def tiny_sentence_transformer(folder: Path) -> Embedder:
    """A random model of the library's static kind: it needs a tokenizer and no download."""
    library = pytest.importorskip("sentence_transformers", reason="the extra `sentence-transformers` is not installed")
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    packaged = model_folder(DEFAULT_MODEL)
    assert packaged is not None
    static = StaticEmbedding(Tokenizer.from_file(str(packaged / "tokenizer.json")), embedding_dim=32)
    library.SentenceTransformer(modules=[static], device="cpu").save(str(folder))
    return open_embedder(str(folder))


@pytest.fixture(scope="module", params=["hash", "onnx", "onnx on one thread", "sentence-transformers"])
def embedder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    match request.param:
        case "hash":
            return HashEmbedder()
        case "onnx":
            return open_embedder(threads=3)
        case "onnx on one thread":
            return open_embedder(threads=1)
        case _:
            return tiny_sentence_transformer(tmp_path_factory.mktemp("model"))


def test_rows_are_float32_and_of_length_one(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), embedder.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_no_texts_give_no_rows_of_the_right_width(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.dim)


def test_each_text_gets_its_own_row_in_the_order_given(embedder: Embedder) -> None:
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    np.testing.assert_allclose(embedder.embed(TEXTS), alone, atol=1e-5)
    np.testing.assert_allclose(embedder.embed(TEXTS[::-1]), alone[::-1], atol=1e-5)


def test_equal_texts_have_equal_rows_and_others_do_not(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    np.testing.assert_array_equal(vectors[0], vectors[4])
    assert float(vectors[0] @ vectors[1]) < 0.95


def test_the_caller_may_change_what_it_got(embedder: Embedder) -> None:
    first = embedder.embed(TEXTS[:1])
    kept = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(embedder.embed(TEXTS[:1]), kept)


def test_progress_rises_to_the_number_of_texts(embedder: Embedder) -> None:
    seen: list[int] = []
    embedder.embed(TEXTS, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == len(TEXTS)


def test_queries_and_documents_live_in_one_space(embedder: Embedder) -> None:
    query = embedder.embed([TEXTS[0]], kind="query")[0]
    assert int(np.argmax(embedder.embed(TEXTS, kind="document") @ query)) in {0, 4}


def test_several_threads_may_ask_at_once(embedder: Embedder) -> None:
    alone = embedder.embed(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(embedder.embed, [TEXTS] * 8):
            np.testing.assert_allclose(vectors, alone, atol=1e-5)


def test_the_id_names_one_model(embedder: Embedder) -> None:
    assert embedder.id
    assert embedder.id == embedder.id.strip()
    assert embedder.dim > 1


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_odd_texts_have_a_vector_too(embedder: Embedder, text: str) -> None:
    vectors = embedder.embed([text])
    assert np.linalg.norm(vectors) == pytest.approx(1, abs=1e-5)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(anything, max_size=4))
def test_any_strings_at_all_have_unit_vectors(embedder: Embedder, texts: list[str]) -> None:
    vectors = embedder.embed(texts)
    assert vectors.shape == (len(texts), embedder.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
