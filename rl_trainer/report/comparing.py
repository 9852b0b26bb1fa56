"""`compare`: several runs at equal budgets of rollouts: a variant's mean over its seeds, and paired differences."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from rl_trainer.errors import RecipeWrong, TrainingDataMissing
from rl_trainer.recipe import Recipe
from rl_trainer.run_folder import Record, RunFolder
from rl_trainer.statistics import Estimate, seeds_interval

DEFAULT_FIGURE = "evaluation/pass@1"
_POINTS = 41
_LACKS = "–"
ALSO = ("evaluation/rollout/turns", "evaluation/rollout/tested_before_submit")
"""Figures whose curves are drawn beside the one that is compared: what success was bought with."""
_NO_PART = ("seed", "about", "keep")
"""Fields in which runs of one variant may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curved:
    """A run's figures over rollouts. values: by figure, (rollouts, value), ascending, once for each number of rollouts.

    label: the variant that it belongs to, where somebody says; otherwise runs whose recipes differ in nothing but the
    seed are one.
    """

    folder: str
    recipe: Recipe
    values: Mapping[str, tuple[tuple[float, float], ...]]
    label: str = ""

    def at(self, figure: str, rollouts: float) -> float:
        """The figure at that budget, on the line between two measurements; no number where there are none around."""
        points = self.values.get(figure, ())
        if not points or not points[0][0] <= rollouts <= points[-1][0]:
            return math.nan
        return float(np.interp(rollouts, [at for at, _ in points], [value for _, value in points]))

    def reach(self, figure: str) -> float:
        """The largest budget at which the figure was measured."""
        points = self.values.get(figure, ())
        return points[-1][0] if points else math.nan


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A mean over so many seeds with Student's t interval; infinitely wide for one seed."""

    rollouts: float
    mean: float
    low: float
    high: float
    seeds: int


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """Runs that differ in nothing but their seed. settings: what sets it apart from the other variants.

    curve: the figure over rollouts, as far as all of its seeds have come; also: those of other figures. at_budget:
    figures at the equal budget.
    """

    name: str
    settings: dict[str, str]
    seeds: tuple[int, ...]
    folders: tuple[str, ...]
    curve: tuple[Point, ...]
    also: dict[str, tuple[Point, ...]]
    at_budget: dict[str, Point]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """variant - against, seed by seed, at the equal budget; `along` is the mean over all budgets up to it."""

    variant: str
    against: str
    seeds: tuple[int, ...]
    at_budget: Point
    along: Point


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """budget: the rollouts that every run has spent at least, so that all are judged after the same effort."""

    figure: str
    budget: float
    variants: tuple[Variant, ...]
    differences: tuple[Difference, ...]


def read_run(folder: Path, label: str = "") -> Curved:
    """A run's curves; a line of metrics that was cut off is passed over.

    Raises:
        CheckpointDamaged: this is no folder of a training.
    """
    run = RunFolder(folder)
    return Curved(folder=str(folder), recipe=run.recipe(), values=curves_of(run.records()), label=label)


def curves_of(records: Sequence[Record]) -> dict[str, tuple[tuple[float, float], ...]]:
    """By figure, its values over rollouts; an evaluation's have `evaluation/` before them. The last of a place counts.

    Example:
        curves_of(records)["evaluation/pass@1"]  # ((0.0, 0.19), (256.0, 0.2))
    """
    found: dict[str, dict[float, float]] = {}
    for record in records:
        if record.kind not in {"evaluation", "iteration"}:
            continue
        ahead = "evaluation/" if record.kind == "evaluation" else ""
        for name, value in record.values.items():
            if math.isfinite(value):
                figure = name if name.startswith(ahead) else ahead + name
                found.setdefault(figure, {})[float(record.rollouts)] = value
    return {name: tuple(sorted(points.items())) for name, points in found.items()}


def compare(runs: Sequence[Curved], figure: str = DEFAULT_FIGURE) -> Comparison:
    """The runs by variant, in the order in which they are given; the first variant is what others are compared with.

    Raises:
        TrainingDataMissing: a run has no such figure. RecipeWrong: two runs of a variant have the same seed.
    """
    for run in runs:
        if figure not in run.values:
            there = ", ".join(sorted(name for name in run.values if name.startswith("evaluation/"))) or "none"
            raise TrainingDataMissing(f"{run.folder} has no {figure!r}; figures of evaluations there: {there}")
    families = _families(runs)
    budget = min(run.reach(figure) for run in runs)
    names = _names(families)
    variants = tuple(
        _variant(name, settings, members, (figure, budget))
        for (name, settings), members in zip(names, families, strict=True)
    )
    differences = tuple(
        made
        for (name, _), members in zip(names[1:], families[1:], strict=True)
        if (made := _difference((name, members), (names[0][0], families[0]), figure, budget)) is not None
    )
    return Comparison(figure=figure, budget=budget, variants=variants, differences=differences)


def _families(runs: Sequence[Curved]) -> list[list[Curved]]:
    """The runs by variant."""
    found: dict[bytes, list[Curved]] = {}
    for run in runs:
        table = {key: value for key, value in msgspec.to_builtins(run.recipe).items() if key not in _NO_PART}
        known_by = run.label.encode() or msgspec.json.encode(table, order="deterministic")
        family = found.setdefault(known_by, [])
        if any(other.recipe.seed == run.recipe.seed for other in family):
            raise RecipeWrong(
                f"{run.folder} and {family[0].folder} are one variant and have the same seed {run.recipe.seed}; "
                "leave one out, or name their variants: NAME=RUN"
            )
        family.append(run)
    return list(found.values())


def _names(families: Sequence[Sequence[Curved]]) -> list[tuple[str, dict[str, str]]]:
    """A name for each variant, and the settings that not all variants share."""
    tables = [_flat(msgspec.to_builtins(family[0].recipe)) for family in families]
    every = dict.fromkeys(path for table in tables for path in table)
    differing = [
        path
        for path in every
        if path.split(".")[0] not in {*_NO_PART, "name"} and len({table.get(path, _LACKS) for table in tables}) > 1
    ]
    settings = [{path: table.get(path, _LACKS) for path in differing} for table in tables]
    plain = [family[0].label or family[0].recipe.name for family in families]
    if len(set(plain)) == len(plain):
        return list(zip(plain, settings, strict=True))
    told = _told(plain, differing, settings)
    return list(zip(told, settings, strict=True))


def _told(plain: Sequence[str], differing: Sequence[str], settings: Sequence[dict[str, str]]) -> list[str]:
    """The fewest settings that tell the variants apart; those that all have come first."""
    ranked = sorted(differing, key=lambda path: any(own[path] == _LACKS for own in settings))
    ahead = [f"{name}: " if len(set(plain)) > 1 else "" for name in plain]
    for count in range(1, len(ranked) + 1):
        told = [
            start + ", ".join(f"{path.removesuffix('.name')} {own[path]}" for path in ranked[:count])
            for start, own in zip(ahead, settings, strict=True)
        ]
        if len(set(told)) == len(told):
            return told
    return [f"{place}. {name}" for place, name in enumerate(plain, 1)]


def _flat(value: Any, path: str = "") -> dict[str, str]:
    items: Any = None
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple) and any(isinstance(each, dict) for each in value):
        items = enumerate(value)
    if items is None:
        return {path: str(value)}
    out: dict[str, str] = {}
    for key, inner in items:
        out |= _flat(inner, f"{path}.{key}" if path else str(key))
    return out


def _variant(name: str, settings: dict[str, str], runs: Sequence[Curved], at: tuple[str, float]) -> Variant:
    figure, budget = at
    low = max(run.values[figure][0][0] for run in runs)
    high = min(run.reach(figure) for run in runs)
    grid = np.linspace(low, max(low, high), _POINTS) if high > low else [high]
    grid = [float(place) for place in grid]
    shared = [name for name in runs[0].values if all(name in run.values for run in runs)]
    found = {each: _point([run.at(each, budget) for run in runs], budget) for each in shared}
    return Variant(
        name=name,
        settings=settings,
        seeds=tuple(run.recipe.seed for run in runs),
        folders=tuple(run.folder for run in runs),
        curve=_curve(runs, figure, grid),
        also={each: _curve(runs, each, grid) for each in ALSO if each in shared and each != figure},
        at_budget={each: point for each, point in found.items() if math.isfinite(point.mean)},
    )


def _curve(runs: Sequence[Curved], figure: str, grid: Sequence[float]) -> tuple[Point, ...]:
    return tuple(_point([run.at(figure, place) for run in runs], place) for place in grid)


def _difference(
    mine: tuple[str, Sequence[Curved]], other: tuple[str, Sequence[Curved]], figure: str, budget: float
) -> Difference | None:
    """Paired by seed; None where no seed is in both."""
    theirs = {run.recipe.seed: run for run in other[1]}
    pairs = [(run, theirs[run.recipe.seed]) for run in mine[1] if run.recipe.seed in theirs]
    if not pairs:
        return None
    ends = [new.at(figure, budget) - old.at(figure, budget) for new, old in pairs]
    return Difference(
        variant=mine[0],
        against=other[0],
        seeds=tuple(run.recipe.seed for run, _ in pairs),
        at_budget=_point(ends, budget),
        along=_point([_along(new, old, figure, budget) for new, old in pairs], budget),
    )


def _along(new: Curved, old: Curved, figure: str, budget: float) -> float:
    """The mean difference over the budgets at which both were measured."""
    low = max(run.values[figure][0][0] for run in (new, old))
    grid = [float(place) for place in np.linspace(min(low, budget), budget, _POINTS)]
    return float(np.mean([new.at(figure, place) - old.at(figure, place) for place in grid]))


def _point(values: Sequence[float], rollouts: float) -> Point:
    estimate = seeds_interval(values) if values else Estimate(mean=math.nan, low=math.nan, high=math.nan)
    return Point(rollouts=rollouts, mean=estimate.mean, low=estimate.low, high=estimate.high, seeds=len(values))
