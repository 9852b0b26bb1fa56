"""A small data folder in the form that training reads, and a small network in the form it starts from."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval.testing import HashEmbedder
from rl_trainer.embedder import examples
from rl_trainer.embedder.batches import Prepared, prepare
from rl_trainer.embedder.examples import Source, read_sources

THINGS = ("invoice", "parcel", "forecast", "recipe", "melody", "ticket", "contract", "photo", "lecture", "flight")
POOLS = {"flight": "mcptoolbenchpp"}  # the one pool that has no licence
VERBS = ("list", "create", "delete", "find", "share", "count")


def write(path: Path, rows: Iterable[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)


def tool(server: str, verb: str, thing: str, **more: Any) -> dict[str, Any]:
    name = f"{verb}_{thing}"
    return {"tool_id": f"{server}/{name}", "server": server, "name": name, "description": f"{verb}s a {thing}", **more}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixty tools in every set, two queries for each; one group of like tools that mcp_union asks for."""
    folder = tmp_path / "data"
    for name in examples.LICENSED:
        tools = [tool(f"{thing}s", verb, thing) for thing in THINGS for verb in VERBS]
        queries = [
            {"query": f"{ask} {one['description']}", "relevant": [one["tool_id"]], "split": split}
            for one in tools
            for ask, split in (("please", "dev"), ("now", "test_in_domain" if one["server"] == "photos" else "dev"))
        ]
        write(folder / "queries" / f"{name}.tools.jsonl.gz", tools)
        write(folder / "queries" / f"{name}.queries.jsonl.gz", queries)
    real = [
        tool(f"{thing}-{copy}", verb, thing, pool=POOLS.get(thing, "toucan_servers"), same_as=f"{verb}-{thing}")
        for thing in THINGS
        for verb in VERBS
        for copy in "ab"
    ]
    write(folder / "mcp_tools.jsonl.gz", real)
    asked = ["recipe-a/find_recipe"]
    union = {"query": "find me a recipe", "relevant": asked, "relevant_groups": [asked]}
    write(folder / "queries" / "mcp_union.queries.jsonl.gz", [union])
    questions = tmp_path / "questions.jsonl.gz"
    write(questions, [{"tool_id": row["tool_id"], "questions": [f"where is my {row['name']}"]} for row in real])
    monkeypatch.setattr(examples, "QUESTIONS", questions)
    return folder


@pytest.fixture
def sources(data: Path) -> list[Source]:
    return read_sources(data)


@pytest.fixture
def prepared(sources: list[Source]) -> list[Prepared]:
    embedder = HashEmbedder()
    return [
        prepare(
            source,
            list(source.passages),
            embedder.embed(list(source.passages.values())),
            embedder.embed([example.query for example in source.learnt]),
        )
        for source in sources
    ]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A BERT of three narrow layers with random weights and the packaged model's tokenizer, as on the hub."""
    torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
    transformers = pytest.importorskip("transformers", reason="the extra `train` is not installed")
    from retrieval.embedders import model_folder

    torch.manual_seed(0)
    config = transformers.BertConfig(
        hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=96, max_position_embeddings=512
    )
    folder = tmp_path / "base"
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    packaged = model_folder("all-minilm-l6-v2")
    assert packaged is not None
    (folder / "tokenizer.json").write_bytes((packaged / "tokenizer.json").read_bytes())
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
