"""What benchmarks/planners.py says of its runs: tables, intervals, the paper's figures beside ours, a picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _machine import table

from agent.evaluation.trial import Trial
from agent.usage import Usage

_RESAMPLES = 1_000
_DECODED = 3.0
_PRICES = (1.0, 0.1)
_LENGTHS = ((3, 5), (6, 8), (9, 12))

Figure = Callable[[Trial], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way of planning and its runs: the same tasks and seeds as every other's, in the same order."""

    name: str
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and where it lies with 95 % confidence."""

    value: float
    low: float
    high: float

    def shown(self, form: str) -> str:
        return f"{self.value:{form}} [{self.low:{form}}, {self.high:{form}}]"


def cost(trial: Trial, price: float) -> float:
    usage = trial.usage
    return usage.net_encoded + price * usage.cached + _DECODED * usage.decoded


_PAIRED: dict[str, Figure] = {
    "tokens": lambda trial: trial.usage.tokens,
    "cost at 1": lambda trial: cost(trial, 1.0),
    "cost at .1": lambda trial: cost(trial, 0.1),
    "LLM calls": lambda trial: trial.usage.calls,
    "tool calls": lambda trial: trial.calls,
    "corrections": lambda trial: trial.corrections,
}


def overall(arms: Sequence[Arm]) -> tuple[list[str], list[list[str]]]:
    """Success of every arm and what a run took; means over all runs, solved or not."""
    headers = [
        "planner",
        "success %",
        "encoded",
        "cached",
        "net",
        "decoded",
        "LLM calls",
        "tool calls",
        "failed",
        "corrections",
    ]
    headers += [f"cost at {price:g}" for price in _PRICES] + ["tokens a solved task"]
    rows: list[list[str]] = []
    for arm in arms:
        success = ratio_interval(arm.trials, lambda trial: 100.0 * trial.success, lambda trial: 1.0)
        solved = ratio_interval(arm.trials, lambda trial: trial.usage.tokens, lambda trial: float(trial.success))
        usages = [trial.usage for trial in arm.trials]
        counts = [
            [usage.encoded for usage in usages],
            [usage.cached for usage in usages],
            [usage.net_encoded for usage in usages],
            [usage.decoded for usage in usages],
        ]
        small = [
            [usage.calls for usage in usages],
            [trial.calls for trial in arm.trials],
            [trial.failed_calls for trial in arm.trials],
            [trial.corrections for trial in arm.trials],
        ]
        rows.append(
            [
                arm.name,
                success.shown(".1f"),
                *(f"{np.mean(count):,.0f}" for count in counts),
                *(f"{np.mean(count):.2f}" for count in small),
                *(f"{np.mean([cost(trial, price) for trial in arm.trials]):,.0f}" for price in _PRICES),
                solved.shown(",.0f") if np.isfinite(solved.value) else "none solved",
            ]
        )
    return headers, rows


def compared(arms: Sequence[Arm], product: str) -> tuple[list[str], list[list[str]]]:
    """At equal success: how much less (-) or more the tree takes on the runs that both solved, in %."""
    tree = next(arm for arm in arms if arm.name == product)
    headers = [f"{product}, against", "runs both solved", *(f"{name} %" for name in _PAIRED)]
    rows: list[list[str]] = []
    for arm in arms:
        if arm is tree:
            continue
        pairs = both_solved(tree, arm)
        rows.append([arm.name, f"{len(pairs)}", *(_shown(less(pairs, figure)) for figure in _PAIRED.values())])
    return headers, rows


def by_purpose(arms: Sequence[Arm]) -> tuple[list[str], list[list[str]]]:
    """Where the tokens go: calls a run, and net + cached + decoded tokens, for each kind of question."""
    purposes = ("plan", "decide", "act", "answer")
    rows: list[list[str]] = []
    for arm in arms:
        sums = [sum((t.purposes.get(name, Usage()) for t in arm.trials), Usage()) for name in purposes]
        count = len(arm.trials)
        rows.append([arm.name, *(_tokens(usage, count) if usage.calls else "-" for usage in sums)])
    return ["calls: net + cached + decoded", *purposes], rows


def _tokens(usage: Usage, count: int) -> str:
    parts = (usage.net_encoded, usage.cached, usage.decoded)
    return f"{usage.calls / count:.1f}: {' + '.join(f'{part / count:,.0f}' for part in parts)}"


def by_length(arms: Sequence[Arm], product: str) -> tuple[list[str], list[list[str]]]:
    """The same in tokens, by the steps of the right way: what a tree saves grows with them."""
    tree = next(arm for arm in arms if arm.name == product)
    headers = ["tokens %, right way of", *(f"{low} to {high} steps" for low, high in _LENGTHS)]
    rows: list[list[str]] = []
    for arm in arms:
        if arm.name.startswith("tree"):
            continue
        pairs = both_solved(tree, arm)
        found = [less([p for p in pairs if low <= p[0].gold <= high], _PAIRED["tokens"]) for low, high in _LENGTHS]
        rows.append([f"against {arm.name}", *map(_shown, found)])
    return headers, rows


def goals(arms: Sequence[Arm], product: str) -> str:
    """The paper's two claims beside what was measured here."""
    by_name = {arm.name: arm for arm in arms}
    tree, baselines = by_name[product], [arm for arm in arms if not arm.name.startswith("tree")]
    best = max(baselines, key=lambda arm: (_success(arm), -sum(trial.usage.tokens for trial in arm.trials)))
    rows = [
        *(_goal("tokens", by_name[name], tree, -92.2) for name in dict.fromkeys((best.name, "react"))),
        _goal("corrections", by_name["global-replan"], tree, -40.5),
        _goal("corrections", by_name["local-replan"], tree, -38.0),
        _goal("corrections", by_name["react"], tree, -40.5),
    ]
    asked = float(np.mean([trial.usage.calls for trial in by_name["react"].trials]))
    note = (
        f"ReAct asks {asked:.1f} times a run here, so whoever asks once with as long a prompt saves "
        f"{100 * (1 - 1 / asked):.1f} % of its tokens: with tasks of this length nothing saves much more. "
        f"The best baseline by success is {best.name}. In the paper local and global replan ask at every step and "
        "carry the whole prompt each time; here they ask only when a step fails, so they cost far less than there."
    )
    return table(["figure", "against", "paper %", "measured %", "goal"], rows) + "\n\n" + note


def both_solved(one: Arm, other: Arm) -> list[tuple[Trial, Trial]]:
    return [(a, b) for a, b in zip(one.trials, other.trials, strict=True) if a.success and b.success]


def less(pairs: Sequence[tuple[Trial, Trial]], figure: Figure) -> Interval | None:
    """The change in % from the second of each pair to the first; None where there is nothing to compare."""
    if not pairs or not sum(figure(other) for _, other in pairs):
        return None
    tasks = [one.task for one, _ in pairs]
    made = _ratio(tasks, [figure(one) for one, _ in pairs], [figure(other) for _, other in pairs])
    return Interval(*(100.0 * (value - 1.0) for value in (made.value, made.low, made.high)))


def ratio_interval(trials: Sequence[Trial], above: Figure, below: Figure) -> Interval:
    """A sum over a sum, with its interval."""
    return _ratio([trial.task for trial in trials], [above(t) for t in trials], [below(t) for t in trials])


def _ratio(tasks: Sequence[str], above: Sequence[float], below: Sequence[float]) -> Interval:
    names = {task: place for place, task in enumerate(dict.fromkeys(tasks))}
    sums = np.zeros((len(names), 2))
    for task, up, down in zip(tasks, above, below, strict=True):
        sums[names[task]] += (up, down)
    picks = np.random.default_rng(0).integers(0, len(sums), (_RESAMPLES, len(sums)))
    drawn = sums[picks].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = drawn[:, 0] / drawn[:, 1]
        value = sums[:, 0].sum() / sums[:, 1].sum()
    ratios = ratios[np.isfinite(ratios)]
    low, high = np.quantile(ratios, (0.025, 0.975)) if len(ratios) else (np.nan, np.nan)
    return Interval(float(value), float(low), float(high))


def _goal(name: str, baseline: Arm, tree: Arm, paper: float) -> list[str]:
    found = less(both_solved(tree, baseline), _PAIRED[name])
    reached = found is not None and found.value <= paper
    return [name, baseline.name, f"{paper:+.1f}", _shown(found), "reached" if reached else "missed"]


def _shown(found: Interval | None) -> str:
    return "nothing to compare" if found is None else found.shown("+.1f")


def _success(arm: Arm) -> float:
    return float(np.mean([trial.success for trial in arm.trials]))


def picture(arms: Sequence[Arm], path: Path) -> None:
    """Success over cost for both cache prices; the sweep over N is a line."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(12, 5), sharey=True)
    for panel, price in zip(panels, _PRICES, strict=True):
        sweep = [arm for arm in arms if arm.name.startswith("tree, N =")]
        points = [(float(np.mean([cost(t, price) for t in arm.trials])), 100 * _success(arm)) for arm in sweep]
        if points:
            panel.plot(*zip(*points, strict=True), "o-", color="black", label="tree, by N")
            for arm, point in zip(sweep, points, strict=True):
                panel.annotate(arm.name.rpartition(" ")[2], point, xytext=(0, 6), textcoords="offset points")
        for arm in arms:
            if arm not in sweep:
                mean = float(np.mean([cost(trial, price) for trial in arm.trials]))
                panel.plot(mean, 100 * _success(arm), "s", label=arm.name)
        panel.set(xlabel="cost of a run, in encoded tokens", title=f"a cached token costs {price:g}")
        panel.set_xlim(left=0)
        panel.grid(visible=True, alpha=0.3)
    panels[0].set_ylabel("tasks solved, %")
    panels[1].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=130)
