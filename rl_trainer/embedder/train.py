"""From labelled queries to a trained encoder: read, mine, fit. The steps of `quartermaster retrieval train`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from retrieval.embedders import open_embedder
from retrieval.embedding import Embedder, Vectors
from retrieval.vector_store import Progress, VectorStore
from rl_trainer.embedder.batches import Prepared, prepare
from rl_trainer.embedder.examples import Source

BASE = "all-minilm-l6-v2"
"""The model that mines: what the untrained network finds near is what it must learn to tell apart."""


def prepare_all(sources: Sequence[Source], work: Path, progress: Progress | None = None) -> list[Prepared]:
    """Every source with its vectors and mined negatives. Vectors are kept in `work`, so that it can be interrupted."""
    embedder = open_embedder(BASE)
    store = VectorStore(work / "mining" / f"{embedder.id}.bin", embedder.dim)
    ready: list[Prepared] = []
    for source in sources:
        ids = list(source.passages)
        vectors = _vectors([source.passages[id_] for id_ in ids], store, embedder, progress)
        queries = _vectors([example.query for example in source.learnt], store, embedder, progress)
        ready.append(prepare(source, ids, vectors, queries))
    return ready


def _vectors(texts: Sequence[str], store: VectorStore, embedder: Embedder, progress: Progress | None) -> Vectors:
    return store.vectors(np.array(store.rows(texts, embedder, progress), np.int64))
