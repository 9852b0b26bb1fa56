"""`Strategy`: one way to find tools for a query; and what every strategy is made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from retrieval.card import ServerCard
from retrieval.embedding import Embedder, Vectors
from retrieval.hit import Hit
from retrieval.manifest import file_name
from retrieval.tdwa import QuestionsOf
from retrieval.tool import ToolSpec
from retrieval.vector_store import VectorStore


class Strategy(Protocol):
    """One way to find tools among those that it was opened over. It may be asked from several threads."""

    @property
    def name(self) -> str: ...

    def search(self, query: str, k: int = 10) -> list[Hit]:
        """The k best, best first, no id twice; fewer only when fewer can be found. Scores never rise."""
        ...


@dataclass(frozen=True, kw_only=True)
class Collection:
    """What a strategy searches: tools, servers known by card only, and the model and the folder for their vectors.

    Vectors are kept in the folder by the hash of their text: strategies over the same folder share them.
    """

    tools: Sequence[ToolSpec]
    cards: Sequence[ServerCard] = ()
    embedder: Embedder
    folder: Path
    questions: QuestionsOf | None = None

    @cached_property
    def store(self) -> VectorStore:
        return VectorStore(self.folder / "vectors" / f"{file_name(self.embedder.id)}.bin", self.embedder.dim)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim], unit rows; only texts that the store has never seen are embedded."""
        rows = self.store.rows(texts, self.embedder)
        return self.store.vectors(np.asarray(rows, dtype=np.int64))

    def query(self, query: str) -> Vectors:
        """float32[dim]: the vector of what is asked."""
        return self.embedder.embed([query], kind="query")[0]


def in_order(scored: Sequence[tuple[str, float]], k: int, signal: str) -> list[Hit]:
    """The k best of (id, score), best first, equal scores by id. A score is at least 0; `signal` keeps the raw one."""
    best = sorted(scored, key=lambda pair: (-pair[1], pair[0]))[: max(k, 0)]
    return [
        Hit(id=id_, kind="tool" if "/" in id_ else "server", score=max(score, 0.0), signals={signal: score})
        for id_, score in best
    ]
