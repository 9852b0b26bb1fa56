"""What is reported of a set: means with intervals, and each strategy's difference to the first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.bench.labelled import LabelledSet
from retrieval.bench.measured import MEASURES, Floats, Measured
from retrieval.metrics import Interval, intervals

Table = dict[str, dict[int, Interval]]
"""By measure, then by depth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyFigures:
    """One strategy on one set. `differences` is to the first strategy, over the same queries; empty for the first."""

    strategy: str
    means: Table
    differences: Table
    tokens: dict[int, float]
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFigures:
    """All strategies on one set."""

    name: str
    tools: int
    queries: int
    absent: int
    depths: tuple[int, ...]
    strategies: tuple[StrategyFigures, ...]


def figures_of(labelled: LabelledSet, measured: Sequence[Measured], *, seed: int) -> SetFigures:
    """Sum up what every strategy did on a set; the first is what the others are compared with."""
    first = measured[0]
    return SetFigures(
        name=labelled.name,
        tools=len(labelled.tools),
        queries=len(labelled.queries),
        absent=len(labelled.absent),
        depths=first.depths,
        strategies=tuple(
            StrategyFigures(
                strategy=each.strategy,
                means=_table(each.scores, each.depths, seed),
                differences={} if each is first else _table(each.scores - first.scores, each.depths, seed),
                tokens=dict(zip(each.depths, each.tokens.mean(axis=0).tolist(), strict=True)),
                p50_ms=float(np.quantile(each.seconds, 0.50)) * 1000,
                p99_ms=float(np.quantile(each.seconds, 0.99)) * 1000,
            )
            for each in measured
        ),
    )


def _table(scores: Floats, depths: Sequence[int], seed: int) -> Table:
    """float64[queries, MEASURES, depths] as intervals; every cell of every strategy sees the same resamples."""
    cells = iter(intervals(scores.reshape(len(scores), -1), seed=seed))
    return {name: {k: next(cells) for k in depths} for name in MEASURES}
