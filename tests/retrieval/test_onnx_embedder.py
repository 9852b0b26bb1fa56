"""The packaged model on ONNX Runtime."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from retrieval.embedders import DEFAULT_MODEL, model_folder, open_embedder
from retrieval.errors import ModelMissing
from retrieval.onnx_embedder import OnnxEmbedder

PACKAGED = model_folder(DEFAULT_MODEL) or Path()
ORIGINAL = model_folder("all-minilm-l6-v2") or Path()


@pytest.fixture(scope="module")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder.load(PACKAGED, threads=2)


def test_int8_vectors_point_where_the_original_models_do() -> None:
    """On this processor too: some add int8 products in 16 bits, where full-range weights would overflow."""
    known = json.loads(Path(__file__).with_name("minilm_fp32.json").read_text(encoding="utf-8"))["vectors"]
    embedder = OnnxEmbedder.load(ORIGINAL, threads=2)
    cosines = (embedder.embed(list(known)) * np.array(list(known.values()))).sum(axis=1)
    assert cosines.mean() > 0.996
    assert cosines.min() > 0.99


def test_a_request_is_nearest_to_the_tool_that_does_it(embedder: OnnxEmbedder) -> None:
    tools = [
        "git_log Shows the commit logs of a repository",
        "get_forecast Weather forecast for a latitude and longitude",
        "send_email Sends a message to one or more recipients",
        "convert_currency Converts an amount of money at today's rate",
    ]
    requests = ["who changed this last?", "will it rain tomorrow", "write to my boss", "what is 20 euros in dollars"]
    nearest = np.argmax(embedder.embed(requests, kind="query") @ embedder.embed(tools).T, axis=1)
    assert nearest.tolist() == [0, 1, 2, 3]


def test_a_texts_vector_is_the_same_bit_for_bit_whatever_is_embedded_with_it(embedder: OnnxEmbedder) -> None:
    text = "list_directory Get a listing of a path"
    alone = embedder.embed([text])[0]
    crowd = [text, "x" * 500, "", *(f"tool number {i} does {'much ' * i}" for i in range(30)), text]
    together = embedder.embed(crowd)
    np.testing.assert_array_equal(together[0], alone)
    np.testing.assert_array_equal(together[-1], alone)
    np.testing.assert_array_equal(OnnxEmbedder.load(PACKAGED, threads=1).embed(crowd), together)


def test_what_lies_beyond_the_limit_of_tokens_does_not_count(embedder: OnnxEmbedder) -> None:
    start = "word " * 200
    np.testing.assert_array_equal(embedder.embed([start + "one end"]), embedder.embed([start + "another end"]))
    longer = OnnxEmbedder.load(PACKAGED, max_tokens=256)
    assert not np.array_equal(longer.embed([start + "one end"]), longer.embed([start + "another end"]))


def test_a_text_of_megabytes_costs_no_more_than_its_beginning(embedder: OnnxEmbedder) -> None:
    huge = "word " * 2_000_000
    np.testing.assert_array_equal(embedder.embed([huge]), embedder.embed(["word " * 200]))


def test_the_id_changes_with_the_limit_of_tokens() -> None:
    assert OnnxEmbedder.load(PACKAGED, max_tokens=64).id != OnnxEmbedder.load(PACKAGED).id


@pytest.mark.parametrize("tokens", [0, 2, 257])
def test_a_limit_that_the_graph_cannot_take_is_refused(tokens: int) -> None:
    with pytest.raises(ValueError, match="from 3 to 256"):
        OnnxEmbedder.load(PACKAGED, max_tokens=tokens)


def test_stopping_in_the_middle_leaves_no_thread_behind(embedder: OnnxEmbedder) -> None:
    done: list[int] = []

    def stop(count: int) -> None:
        done.append(count)
        raise KeyboardInterrupt

    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        embedder.embed([f"text {i}" for i in range(5000)], progress=stop)
    assert len(done) == 1
    assert set(threading.enumerate()) <= before


def test_a_file_that_is_not_a_model_is_named(tmp_path: Path) -> None:
    for name in ("model.onnx", "tokenizer.json", "LICENSE"):
        (tmp_path / name).write_bytes((PACKAGED / name).read_bytes() if name == "tokenizer.json" else b"nonsense")
    described = json.loads((PACKAGED / "model.json").read_text(encoding="utf-8"))
    for name in described["files"]:
        described["files"][name]["bytes"] = (tmp_path / name).stat().st_size
    (tmp_path / "model.json").write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(ModelMissing, match="cannot load the embedding model in"):
        open_embedder(str(tmp_path))


def test_loading_and_embedding_print_nothing() -> None:
    code = "from retrieval.embedders import open_embedder; open_embedder().embed(['a', 'b', 'c'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout + done.stderr == ""
