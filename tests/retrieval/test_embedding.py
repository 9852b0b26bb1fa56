"""Choosing an embedder, and what embedders share."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.embedders import DEFAULT_MODEL, model_folder, open_embedder
from retrieval.embedding import distinct, well_formed
from retrieval.errors import ModelMissing
from retrieval.onnx_embedder import OnnxEmbedder
from retrieval.settings import RetrievalSettings

anything = st.text(st.characters(codec=None))


def test_the_default_is_the_packaged_model() -> None:
    embedder = open_embedder()
    assert isinstance(embedder, OnnxEmbedder)
    assert embedder.id.startswith("tools-minilm-l6-")
    assert RetrievalSettings().model == DEFAULT_MODEL


def test_a_folder_with_a_model_json_needs_no_other_name(tmp_path: Path) -> None:
    folder = tmp_path / "our-own"
    packaged = model_folder(DEFAULT_MODEL)
    assert packaged is not None
    folder.symlink_to(packaged)
    assert open_embedder(str(folder)).id == open_embedder().id


def test_a_name_is_for_sentence_transformers_even_when_a_folder_without_a_model_has_it(tmp_path: Path) -> None:
    assert model_folder("intfloat/multilingual-e5-small") is None
    assert model_folder(str(tmp_path)) is None


def test_other_models_say_which_extra_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ModelMissing, match=r"'acme/model'.*pip install 'quartermaster\[sentence-transformers\]'"):
        open_embedder("acme/model")


def test_importing_the_embedders_imports_no_giant() -> None:
    code = (
        "import sys, retrieval.embedding; light = set(sys.modules);"
        "import retrieval.onnx_embedder, retrieval.sentence_transformer, retrieval.testing;"
        "print(sorted({'onnxruntime', 'tokenizers'} & light));"
        "print(sorted({'torch', 'transformers', 'sentence_transformers', 'faiss', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


@given(st.lists(anything))
def test_distinct_texts_can_be_put_back_in_place(texts: list[str]) -> None:
    once, where = distinct(texts)
    assert [once[place] for place in where] == texts
    assert len(set(once)) == len(once)


@given(anything)
def test_well_formed_text_can_be_written_as_utf8(text: str) -> None:
    assert well_formed(text).encode("utf-8").decode("utf-8") == well_formed(text)


@given(st.text())
def test_text_that_is_well_formed_stays_as_it_is(text: str) -> None:
    assert well_formed(text) == text


def test_halves_of_one_character_are_joined_and_lone_ones_replaced() -> None:
    assert well_formed("\ud83d\ude00!") == "😀!"
    assert well_formed("a\ud83d!") == "a\ufffd!"
