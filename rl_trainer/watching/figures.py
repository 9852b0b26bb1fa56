"""The figures of a record that people look at first, as words; and a curve as one line of blocks."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from rl_trainer.run_folder import Record

_BLOCKS = "▁▂▃▄▅▆▇█"

FIGURES = {
    "evaluation/pass@1": ("pass@1", "share"),
    "rollout/success": ("success", "share"),
    "rollout/reward": ("reward", "number"),
    "rollout/turns": ("turns", "number"),
    "rollout/tested_before_submit": ("tested first", "share"),
    "rollout/malformed": ("malformed", "share"),
    "rollout/cheat": ("cheats", "share"),
    "step/loss": ("loss", "number"),
    "step/grad_norm": ("gradient", "number"),
    "step/clip_fraction": ("clipped", "share"),
    "drift/max": ("drift", "tiny"),
    "step/entropy": ("entropy", "number"),
}
"""What is shown, in this order: the figure's name in a record, its name for people, and how it is written."""


def figures_of(values: Mapping[str, float]) -> dict[str, str]:
    """The figures that are there, written for people, by their names for people."""
    shown = {label: written(values[name], form) for name, (label, form) in FIGURES.items() if name in values}
    return shown | {name: f"{speed:,.0f} tok/s" for name, speed in speeds(values).items()}


def written(value: float, form: str) -> str:
    """share: in percent. tiny: with its power of ten. number: three figures."""
    if not math.isfinite(value):
        return str(value)
    match form:
        case "share":
            return f"{100 * value:.1f} %"
        case "tiny":
            return f"{value:.1e}"
        case _:
            return f"{value:.3g}"


def speeds(values: Mapping[str, float]) -> dict[str, float]:
    """Sampled tokens a second of rollout, and learnt tokens a second of the iteration's rest."""
    rollout, whole = values.get("time/rollout_s", 0.0), values.get("time/iteration_s", 0.0)
    sampled = values.get("rollout/tokens", 0.0) * (values.get("rollout/runs", 0.0) - values.get("rollout/infra", 0.0))
    out: dict[str, float] = {}
    if rollout > 0 and sampled:
        out["sampled"] = sampled / rollout
    if whole > rollout and values.get("step/tokens"):
        out["learnt"] = values["step/tokens"] / (whole - rollout)
    return out


def sparkline(values: Sequence[float], *, width: int = 40, low: float = 0.0, high: float = 1.0) -> str:
    """The curve in one line; neighbours are averaged where there are more values than places.

    Example:
        sparkline([0.0, 0.5, 1.0])  # "▁▅█"
    """
    numbers = [value for value in values if math.isfinite(value)]
    if len(numbers) > width:
        edges = [len(numbers) * place // width for place in range(width + 1)]
        numbers = [sum(numbers[a:b]) / (b - a) for a, b in pairwise(edges)]
    steps = len(_BLOCKS) - 1
    places = (round(steps * (value - low) / (high - low)) for value in numbers)
    return "".join(_BLOCKS[min(steps, max(0, place))] for place in places)


def line_of(record: Record) -> str:
    """A record in one line, for logs."""
    shown = "  ".join(f"{name} {value}" for name, value in figures_of(record.values).items())
    return f"{record.stage} {record.kind} {record.iteration}, {record.rollouts:,} rollouts: {shown}"
