"""The report on labelled sets, as Markdown."""

from collections.abc import Sequence

from retrieval.bench.figures import SetFigures, Table
from retrieval.bench.markdown import shown, shown_difference, table
from retrieval.bench.measured import MEASURES

_EXPLAINED = """\
Intervals: 95 %, percentile bootstrap over the queries, 1,000 resamples. A needed tool counts once, at the first of its
acceptable ids. Recall: the share of the needed tools. Completeness: the share of queries of which *every* needed tool
is there. Tokens: the characters of id, description and input schema of what was found, over 4; an estimate. Latency:
one search at a time with the embedding of its query; on a machine that does other work too it is an upper bound."""


def report(sets: Sequence[SetFigures], conditions: Sequence[str], *, plots: bool) -> str:
    """All sets, one after the other. `conditions`: under which it was measured, a line each."""
    head = ["# Retrieval on labelled sets", "\n".join(f"- {line}" for line in conditions), _EXPLAINED]
    return "\n\n".join([*head, *(_of_set(figures, plots=plots) for figures in sets)]) + "\n"


def _of_set(figures: SetFigures, *, plots: bool) -> str:
    parts = [f"## {figures.name}: {figures.queries:,} queries over {figures.tools:,} tools"]
    if figures.absent:
        parts.append(f"{figures.absent:,} needed tools are not in the set: nothing can find them.")
    if plots:
        parts.append(f"![{figures.name}]({figures.name}.png)")
    parts += [_quality(figures), _cost(figures)]
    if len(figures.strategies) > 1:
        parts += [f"Difference to {figures.strategies[0].strategy}; * where 0 is outside the interval:", _gain(figures)]
    return "\n\n".join(parts)


def _quality(figures: SetFigures) -> str:
    rows = [
        [name, each.strategy, *(shown(each.means[name][k]) for k in figures.depths)]
        for name in MEASURES
        for each in figures.strategies
    ]
    return table(["measure", "strategy", *_at(figures)], rows)


def _gain(figures: SetFigures) -> str:
    rows = [
        [name, each.strategy, *_cells(each.differences, name, figures.depths)]
        for name in MEASURES
        for each in figures.strategies[1:]
    ]
    return table(["measure", "strategy", *_at(figures)], rows)


def _cost(figures: SetFigures) -> str:
    rows = [
        [
            each.strategy,
            *(f"{each.tokens[k]:,.0f}" for k in figures.depths),
            f"{each.p50_ms:.2f}",
            f"{each.p99_ms:.2f}",
        ]
        for each in figures.strategies
    ]
    return table(["strategy", *(f"tokens {at}" for at in _at(figures)), "p50 ms", "p99 ms"], rows)


def _cells(differences: Table, name: str, depths: Sequence[int]) -> list[str]:
    return [shown_difference(differences[name][k]) for k in depths]


def _at(figures: SetFigures) -> list[str]:
    return [f"@{k}" for k in figures.depths]
