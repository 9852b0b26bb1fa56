"""What is wrong with a model on disk."""

import shutil
from pathlib import Path

import pytest

from retrieval.embedders import DEFAULT_MODEL, model_folder, open_embedder
from retrieval.errors import ModelMissing
from retrieval.model_folder import read_model_folder, verify_model

PACKAGED = model_folder(DEFAULT_MODEL) or Path()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PACKAGED, tmp_path / "model"))


def test_the_packaged_model_is_whole() -> None:
    assert verify_model(PACKAGED) == []
    assert sum(path.stat().st_size for path in PACKAGED.iterdir()) < 25_000_000


def test_a_changed_byte_is_found_by_verifying(folder: Path) -> None:
    graph = folder / "model.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    problems = verify_model(folder)
    assert len(problems) == 1
    assert problems[0].startswith("model.onnx has changed")


def test_a_cut_off_file_is_refused_at_once_with_both_sizes(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"version https://git-lfs.example/spec")
    with pytest.raises(ModelMissing, match=r"model\.onnx has 36 bytes instead of [\d,]+; install quartermaster again"):
        open_embedder(str(folder))
    assert len(verify_model(folder)) == 1


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelMissing, match=r"tokenizer\.json is missing"):
        read_model_folder(folder)


def test_a_description_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "model.json").write_text('{"id": "x"}', encoding="utf-8")
    with pytest.raises(ModelMissing, match=r"cannot read .*model\.json"):
        open_embedder(str(folder))
    assert len(verify_model(folder)) == 1
    assert len(verify_model(folder / "nowhere")) == 1


def test_a_description_without_a_graph_is_refused(folder: Path) -> None:
    (folder / "model.json").write_text(
        '{"id": "x", "dim": 3, "max_tokens": 8, "positions": 8, "files": {}}', encoding="utf-8"
    )
    with pytest.raises(ModelMissing, match=r"does not list model\.onnx, tokenizer\.json"):
        read_model_folder(folder)


def test_another_graph_is_another_id(folder: Path) -> None:
    described = folder / "model.json"
    known = read_model_folder(folder)
    other = described.read_text(encoding="utf-8").replace(known.files["model.onnx"].sha256, "0" * 64)
    described.write_text(other, encoding="utf-8")
    assert read_model_folder(folder).vectors_id != known.vectors_id
