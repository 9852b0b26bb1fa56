"""What every `Reranker` promises."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from retrieval.chat import Chat, ChatEndpoint
from retrieval.embedders import DEFAULT_MODEL, model_folder
from retrieval.rerank import Reranker
from retrieval.rerankers import CrossEncoderReranker, LlmReranker
from retrieval.testing import WordReranker, scripted_llm

PASSAGES = ["get forecast: the weather for a place", "send email to someone", "", "查询天气", "\ud800\0 {}"]


def tiny_cross_encoder(folder: Path) -> Reranker:
    """A random model of the library's own kind: it needs no download."""
    library = pytest.importorskip("sentence_transformers", reason="the extra `sentence-transformers` is not installed")
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    packaged = model_folder(DEFAULT_MODEL)
    assert packaged is not None
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(packaged / "tokenizer.json"), pad_token="[PAD]")
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertForSequenceClassification(BertConfig(vocab_size=len(tokenizer), num_labels=1, **shape)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    assert library.CrossEncoder
    return CrossEncoderReranker.load(str(folder), device="cpu")


@pytest.fixture(params=["words", "llm", "cross-encoder"])
def reranker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reranker]:
    match request.param:
        case "words":
            yield WordReranker()
        case "llm":
            with scripted_llm(lambda _: json.dumps({"order": [2, 1, 2, 99, 0, -1, "3"]})) as llm:
                yield LlmReranker(Chat(ChatEndpoint(base_url=llm.base_url, model="tiny")))
        case _:
            yield tiny_cross_encoder(tmp_path)


def test_every_passage_has_a_score_from_0_to_1(reranker: Reranker) -> None:
    scores = reranker.score("the weather for a place", PASSAGES)
    assert scores.dtype == np.float32
    assert scores.shape == (len(PASSAGES),)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_no_passages_have_no_scores(reranker: Reranker) -> None:
    assert reranker.score("anything", []).shape == (0,)


@pytest.mark.parametrize("query", ["", "\0", "\udc00", "天气", "word " * 400], ids=lambda query: ascii(query[:8]))
def test_odd_queries_are_scored_too(reranker: Reranker, query: str) -> None:
    assert reranker.score(query, PASSAGES).shape == (len(PASSAGES),)


def test_the_same_question_has_the_same_answer(reranker: Reranker) -> None:
    np.testing.assert_array_equal(reranker.score("send email", PASSAGES), reranker.score("send email", PASSAGES))


def test_the_id_names_one_model(reranker: Reranker) -> None:
    assert reranker.id
    assert reranker.id == reranker.id.strip()
