"""How well vectors alone find tools that nothing was learnt of: the kept queries of every source."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from retrieval.embedding import Embedder
from retrieval.metrics import ndcg, recall
from retrieval.vector_store import VectorStore
from rl_trainer.embedder.examples import Example, Source

_MOST = 1000
_SEED = 20261122


def measure(
    sources: Sequence[Source], embedder: Embedder, work: Path, progress: Callable[[str, int, int, str], None]
) -> dict[str, dict[str, float]]:
    """By source: the mean Recall@5 and nDCG@10 of at most 1,000 kept queries over the whole pool."""
    store = VectorStore(work / "vectors" / f"{embedder.id}.bin", embedder.dim)
    found: dict[str, dict[str, float]] = {}
    for source in sources:
        ids = list(source.kept_passages)
        texts = [source.kept_passages[id_] for id_ in ids]
        rows = store.rows(texts, embedder, lambda done, of: progress("measure", done, of, ""))
        vectors = store.vectors(np.array(rows, np.int64))
        examples = _sample(source.kept)
        queries = embedder.embed([example.query for example in examples], kind="query")
        groups = _groups(source)
        figures: list[tuple[float, float]] = []
        for example, query in zip(examples, queries, strict=True):
            near = vectors @ query
            best = [ids[place] for place in np.argsort(-near, kind="stable")[:10]]
            needed = [groups.get(source.alike.get(id_, ""), frozenset({id_})) for id_ in example.relevant]
            figures.append((recall(best, needed, 5), ndcg(best, needed, 10)))
        mean = np.mean(figures, axis=0).tolist()
        found[source.name] = {"queries": len(examples), "recall@5": round(mean[0], 4), "ndcg@10": round(mean[1], 4)}
    return found


def _groups(source: Source) -> dict[str, frozenset[str]]:
    """Tools that are the same but for their server: any of a group is a right answer for all of it."""
    groups: dict[str, set[str]] = {}
    for id_, group in source.alike.items():
        groups.setdefault(group, set()).add(id_)
    return {group: frozenset(ids) for group, ids in groups.items()}


def _sample(examples: Sequence[Example]) -> list[Example]:
    if len(examples) <= _MOST:
        return list(examples)
    chosen = np.random.default_rng(_SEED).choice(len(examples), _MOST, replace=False)
    return [examples[index] for index in sorted(chosen.tolist())]
