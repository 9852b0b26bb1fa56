"""The curves of one run, panel by panel, out of its records."""

import math
from collections.abc import Sequence
from dataclasses import replace

from rl_trainer.recipe import Recipe, of_stage
from rl_trainer.report.curves import Curve, Panel
from rl_trainer.report.summary import figure_of, wasted_runs
from rl_trainer.run_folder import Record
from rl_trainer.stages import DapoStage

_SMOOTH = 5
_ENOUGH = 4
"""Evaluations that make a curve of their own."""


def panels_of(recipe: Recipe, records: Sequence[Record]) -> tuple[Panel, ...]:
    """Small multiples: success, by kind, reward, turns, habits, groups, entropy, clipping, drift, loss."""
    rolled = [each for each in records if each.kind == "iteration"]
    steps = [each for each in records if each.kind == "step"]
    evaluated = [each for each in records if each.kind == "evaluation" and "evaluation/pass@1" in each.values]
    panels = [
        Panel(title="success", unit="share", curves=_success(rolled, evaluated)),
        Panel(title="success by kind", unit="share", curves=_kinds(rolled, evaluated)),
    ]
    if rolled:
        panels += [
            Panel(title="reward, part by part", curves=_parts(rolled)),
            Panel(title="turns of a run", curves=(_curve("turns", rolled, "rollout/turns"),)),
            Panel(title="habits", unit="share", curves=_habits(rolled)),
            Panel(title="rollouts that taught nothing", unit="share", curves=(_wasted(recipe, rolled),)),
            Panel(title="entropy, nats a token", curves=_entropy(rolled)),
            Panel(title="tokens that were clipped", unit="share", curves=(_curve("", rolled, "step/clip_fraction"),)),
            Panel(title="drift of log-probabilities, nats", curves=_drift(rolled)),
        ]
    if steps:
        panels.append(Panel(title="loss of fine-tuning", x_title="optimiser steps", curves=(_loss(steps),)))
    return tuple(panels)


def smoothed(values: Sequence[float], over: int = _SMOOTH) -> tuple[float, ...]:
    """Each value's mean with those before it, `over` of them at most."""
    return tuple(_mean(values[max(0, place - over + 1) : place + 1]) for place in range(len(values)))


def _success(rolled: Sequence[Record], evaluated: Sequence[Record]) -> tuple[Curve, ...]:
    curves: list[Curve] = []
    if evaluated:
        held = _curve("held-out tasks, 95 %", evaluated, "evaluation/pass@1")
        low, high = (tuple(each.values.get(f"evaluation/{side}", math.nan) for each in evaluated) for side in _SIDES)
        curves.append(replace(held, low=low, high=high, dots=True, colour=0))
    if rolled:
        raw = _curve(f"tasks learnt from, mean of {_SMOOTH}", rolled, "rollout/success")
        curves.append(replace(raw, y=smoothed(raw.y), colour=1))
    return tuple(curves)


_SIDES = ("low", "high")


def _kinds(rolled: Sequence[Record], evaluated: Sequence[Record]) -> tuple[Curve, ...]:
    """Of the evaluations where there are enough of them, otherwise of the tasks that were learnt from."""
    enough = len(evaluated) >= _ENOUGH or not rolled
    records, over = (evaluated, 1) if enough else (rolled, _SMOOTH)
    curves = (_curve(name.removeprefix("success/"), records, name) for name in _names(records, "success/"))
    return tuple(replace(each, y=smoothed(each.y, over), dots=over == 1) for each in curves)


def _parts(rolled: Sequence[Record]) -> tuple[Curve, ...]:
    parts = [_curve(name.removeprefix("reward/"), rolled, name) for name in _names(rolled, "reward/")]
    return (_curve("sum", rolled, "rollout/reward"), *(parts if len(parts) > 1 else []))


def _habits(rolled: Sequence[Record]) -> tuple[Curve, ...]:
    return (
        _curve("tested first", rolled, "rollout/tested_before_submit"),
        _curve("malformed turns", rolled, "rollout/malformed"),
        _curve("cheats", rolled, "rollout/cheat"),
        _curve("gave up", rolled, "rollout/gave_up"),
        _curve("cut off", rolled, "rollout/truncated"),
    )


def _wasted(recipe: Recipe, rolled: Sequence[Record]) -> Curve:
    sizes = {
        stage.name: of_stage(recipe, stage).rollout.group for stage in recipe.stages if isinstance(stage, DapoStage)
    }
    shares = tuple(
        wasted_runs(each, sizes.get(each.stage, recipe.rollout.group)) / max(1.0, each.values.get("rollout/runs", 0.0))
        for each in rolled
    )
    return Curve(name="", x=tuple(float(each.rollouts) for each in rolled), y=shares)


def _entropy(rolled: Sequence[Record]) -> tuple[Curve, ...]:
    both = (_curve("trainer", rolled, "step/entropy"), _curve("sampler", rolled, "rollout/entropy"))
    return tuple(each for each in both if any(each.y))


def _drift(rolled: Sequence[Record]) -> tuple[Curve, ...]:
    return (_curve("largest", rolled, "drift/max"), _curve("mean", rolled, "drift/mean"))


def _curve(name: str, records: Sequence[Record], figure: str) -> Curve:
    """A figure over rollouts."""
    return Curve(
        name=name,
        x=tuple(float(each.rollouts) for each in records),
        y=tuple(figure_of(each, figure) for each in records),
    )


def _loss(steps: Sequence[Record]) -> Curve:
    """The loss of fine-tuning, over its steps: they take no rollouts."""
    raw = _curve("loss", steps, "step/loss")
    return replace(raw, x=tuple(float(each.total) for each in steps))


def _names(records: Sequence[Record], start: str) -> list[str]:
    return sorted({name for each in records for name in each.values if name.startswith(start)})


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan
