"""What one strategy did on each query: its scores, the size of what it returned, its time."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.bench.labelled import LabelledQuery
from retrieval.metrics import METRICS
from retrieval.strategies.strategy import Strategy
from retrieval.tool import ToolSpec

MEASURES = ("Recall", "nDCG", "MAP", "Completeness")
"""What the tables show, by the names of `metrics.METRICS`."""

_CHARACTERS_A_TOKEN = 4

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Figures of one strategy, a row a query.

    scores: float64[queries, MEASURES, depths]. tokens: float64[queries, depths], what an agent would be shown.
    seconds: float64[queries], one search with the embedding of the query.
    """

    strategy: str
    depths: tuple[int, ...]
    scores: Floats
    tokens: Floats
    seconds: Floats


def measure(
    strategy: Strategy,
    queries: Sequence[LabelledQuery],
    *,
    depths: Sequence[int],
    tokens: Mapping[str, float],
    tell: Callable[[int], None] = lambda done: None,
) -> Measured:
    """Ask every query once, one after the other. `tokens` is the size of each tool; `tell` hears how many are done."""
    deepest = max(depths)
    strategy.search(queries[0].text, deepest)  # what is loaded at the first use is no query's time
    scores = np.empty((len(queries), len(MEASURES), len(depths)))
    shown = np.empty((len(queries), len(depths)))
    seconds = np.empty(len(queries))
    for row, query in enumerate(queries):
        started = time.perf_counter()
        hits = strategy.search(query.text, deepest)
        seconds[row] = time.perf_counter() - started
        found = [hit.id for hit in hits]
        scores[row] = [[METRICS[name](found, query.needed, k) for k in depths] for name in MEASURES]
        shown[row] = [sum(tokens.get(id_, 0.0) for id_ in found[:k]) for k in depths]
        tell(row + 1)
    return Measured(strategy=strategy.name, depths=tuple(depths), scores=scores, tokens=shown, seconds=seconds)


def estimated_tokens(tool: ToolSpec) -> float:
    """About how many tokens a tool takes in a prompt: characters of its id, description and input schema, over 4."""
    shown = {"tool_id": tool.tool_id, "description": tool.description, "input_schema": tool.input_schema}
    return len(json.dumps(shown, ensure_ascii=False)) / _CHARACTERS_A_TOKEN
