"""The report on the stress grid, as Markdown, beside the paper's own figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.bench.grid import Grid
from retrieval.bench.markdown import shown, table
from retrieval.metrics import Interval, interval

PAPER: Mapping[int, int] = dict(
    zip(
        (*range(1, 112, 5), *range(2_111, 10_112, 2_000)),
        (7, 7, 8, 6, 6, 9, 7, 6, 9, 6, 9, 6, 7, 6, 7, 6, 5, 8, 9, 8, 5, 5, 4, 2, 0, 0, 0, 0),
        strict=True,
    )
)
"""Successful positions of ten by number of servers, read off the pixels of RAG-MCP's figure 3."""

BANDS = ((1, 26), (31, 66), (71, 111), (2_111, 11_111))

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line of a grid's curves: a label, and one figure from 0 to 1 for every row, count and task."""

    label: str
    values: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class GridFigures:
    """A grid and what is reported of it.

    `same_tasks`: every row asks the same tasks, so that a task's rows are one sample, not several.
    """

    name: str
    title: str
    setting: str
    grid: Grid
    series: tuple[Series, ...]
    same_tasks: bool


def over_columns(figures: GridFigures, series: Series, columns: Sequence[int]) -> Interval:
    """The mean over some columns with its interval; what is resampled are the tasks."""
    values = series.values[:, columns, :].mean(axis=1)
    return interval(values.mean(axis=0) if figures.same_tasks else values.reshape(-1))


def moved_cells(grid: Grid) -> int:
    """In how many trials the key server's place is another than with the same others in the first row's order."""
    return int((grid.ranks != grid.ranks[:1]).sum())


def report(grids: Sequence[GridFigures], conditions: Sequence[str], *, plots: bool) -> str:
    """All grids, one after the other. `conditions`: under which it was measured, a line each."""
    head = ["# One server among N: the RAG-MCP stress grid", "\n".join(f"- {line}" for line in conditions), _SETTING]
    return "\n\n".join([*head, *(_of_grid(figures, plots=plots) for figures in grids)]) + "\n"


def plain(figures: GridFigures) -> dict[str, object]:
    """The figures of a grid for JSON: per series the share in each cell, the ranks, and the bands' intervals."""
    grid = figures.grid
    return {
        "name": figures.name,
        "title": figures.title,
        "counts": grid.counts,
        "rows": grid.rows,
        "ranks": grid.ranks.tolist(),
        "cells": {each.label: each.values.mean(axis=2).tolist() for each in figures.series},
        "columns": {
            each.label: {count: over_columns(figures, each, [at]) for at, count in enumerate(grid.counts)}
            for each in figures.series
        },
    }


_SETTING = """\
The paper (arXiv 2505.03275, section 4.1 and figure 3) puts N server descriptions into a prompt, one of them the key
server at a given depth, and lets an LLM choose and search: a cell of its figure is one success or failure. Here no LLM
takes part: a retriever ranks N servers, no two alike, and a trial succeeds when the key server comes first (or among
the first k). So the paper's column says what a prompt full of servers does to an LLM, ours what a retriever would hand
to one instead: the axes are the same, the task is not. What an agent would then do with the server is in none of our
figures. Intervals: 95 %, percentile bootstrap over the tasks."""


def _of_grid(figures: GridFigures, *, plots: bool) -> str:
    parts = [f"## {figures.title}", figures.setting]
    if plots:
        parts.append(f"![{figures.title}]({figures.name}.png)")
    parts += [_bands(figures), _by_count(figures)]
    return "\n\n".join(parts)


def _bands(figures: GridFigures) -> str:
    rows: list[list[str]] = []
    for low, high in BANDS:
        columns = [at for at, count in enumerate(figures.grid.counts) if low <= count <= high]
        if columns:
            paper = [PAPER[count] / 10 for count in PAPER if low <= count <= high]
            cells = [shown(over_columns(figures, each, columns)) for each in figures.series]
            rows.append([f"{low:,} to {high:,}", f"{sum(paper) / len(paper):.2f}", *cells])
    return table(["N", "paper, LLM chooses", *(each.label for each in figures.series)], rows)


def _by_count(figures: GridFigures) -> str:
    rows = [
        [
            f"{count:,}",
            f"{PAPER[count]} of 10" if count in PAPER else "",
            *(shown(over_columns(figures, each, [at])) for each in figures.series),
        ]
        for at, count in enumerate(figures.grid.counts)
    ]
    return table(["N", "paper, LLM chooses", *(each.label for each in figures.series)], rows)
