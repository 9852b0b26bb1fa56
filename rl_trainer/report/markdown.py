"""A report as Markdown."""

import math
from collections.abc import Sequence
from typing import Any

from rl_trainer.report.report import Report
from rl_trainer.report.shortcut import Shortcut
from rl_trainer.report.summary import Change, EvaluationRow, StageSummary

_SHARES = {
    "rollout/success": "success, tasks learnt from",
    "rollout/solved_groups": "tasks solved at least once",
    "rollout/tested_before_submit": "tested before submitting",
    "rollout/malformed": "malformed turns",
    "rollout/cheat": "runs that tried to cheat",
    "rollout/gave_up": "runs that gave up",
    "rollout/truncated": "runs cut off",
    "step/clip_fraction": "tokens clipped",
}
_NUMBERS = {
    "rollout/reward": "reward",
    "rollout/turns": "turns of a run",
    "rollout/tokens": "tokens of a run",
    "step/loss": "loss",
    "step/grad_norm": "norm of the gradient",
    "step/entropy": "entropy, nats a token",
    "drift/max": "largest drift, nats",
}


def to_markdown(report: Report, *, curves: str) -> str:
    """The page. curves: the file with the curves, as the page links it."""
    parts = [f"# Training: {one_line(report.name)}", _opening(report), f"![curves]({curves})"]
    parts += ["## Recipe", table(("what", "how"), list(report.recipe.items()))]
    parts += ["## Stages", _stages(report.stages)]
    for stage in report.stages:
        parts += [f"### {one_line(stage.name)}: first and last iterations", _figures(stage)]
    parts += ["## Held-out tasks during training", _evaluations(report.evaluations)]
    if report.tests:
        parts += ["## Test sets", _tests(report.tests)]
    parts += ["## By kind of task", _kinds(report)]
    parts += ["## Not measured", *(f"- {each}" for each in report.missing)]
    return "\n\n".join(parts).replace("\n\n- ", "\n- ") + "\n"


def _opening(report: Report) -> str:
    lines: list[str] = []
    if report.evaluations:
        first, last = report.evaluations[0], report.evaluations[-1]
        lines.append(
            f"pass@1 on held-out tasks went from {interval(first)} to {interval(last)} with {last.rollouts:,} rollouts."
        )
    if report.shortcut is not None:
        lines.append(f"**Warning.** {shortcut_words(report.shortcut)}")
    lines += [f"**Warning.** {each}" for each in report.warnings]
    return "\n\n".join(lines) or "Nothing was evaluated yet."


def shortcut_words(found: Shortcut) -> str:
    """What stands there, why it is not learning, and what to do."""
    solved, unsolved = (
        ", ".join(f"{one_line(name)} {percent(value)}" for name, value in kinds.items())
        for kinds in (found.solved, found.unsolved)
    )
    return (
        f"Success has stood at {percent(found.success)} for {found.iterations} iterations, and it is all of one sort: "
        f"{solved}; next to nothing of {unsolved}. That is a shortcut: doing the same whatever the task, which pays as "
        "often as tasks of that kind come up. Begin with a model that solves every kind now and then (more rejection "
        "fine-tuning), or draw the kinds evenly."
    )


def interval(row: EvaluationRow) -> str:
    """A pass rate with its interval."""
    return f"{percent(row.mean)} [{percent(row.low)}, {percent(row.high)}]"


def percent(value: float) -> str:
    """A share for people."""
    return f"{100 * value:.1f} %" if math.isfinite(value) else "–"


def number(value: float) -> str:
    """A number for people: three figures, or none where there is none."""
    return f"{value:.3g}" if math.isfinite(value) else "–"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; what stands in a cell cannot end it."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(map(one_line, line)) + " |" for line in lines)


def one_line(text: str) -> str:
    """Text from a recipe or a task that can neither break a table nor bring HTML along."""
    plain = " ".join(text.split())
    for mark, instead in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("](", "]\\("), ("`", "\\`")):
        plain = plain.replace(mark, instead)
    return plain


def _stages(stages: Sequence[StageSummary]) -> str:
    headers = ("stage", "kind", "iterations", "updates", "rollouts", "wasted", "expired groups", "tokens learnt", "h")
    rows = [
        (
            stage.name,
            stage.kind,
            str(stage.iterations),
            str(stage.updates),
            f"{stage.runs:,}",
            f"{stage.wasted:,} ({percent(stage.wasted / stage.runs)})" if stage.runs else "–",
            str(stage.expired),
            f"{stage.learnt_tokens:,}" if stage.learnt_tokens else "–",
            number(stage.hours) if stage.hours else "–",
        )
        for stage in stages
    ]
    note = "Wasted: rollouts in groups all of whose runs got the same reward. Hours: of iterations, not of evaluations."
    return f"{table(headers, rows)}\n\n{note}" if rows else "None has begun."


def _figures(stage: StageSummary) -> str:
    rows = [(words, *_both(stage.figures[name], percent)) for name, words in _SHARES.items() if name in stage.figures]
    rows += [(words, *_both(stage.figures[name], number)) for name, words in _NUMBERS.items() if name in stage.figures]
    rows += [
        (f"reward: {name.partition('/')[2]}", *_both(change, number))
        for name, change in stage.figures.items()
        if name.startswith("reward/")
    ]
    return table(("figure", "first 5", "last 5"), rows) if rows else "Nothing was recorded."


def _both(change: Change, form: Any) -> tuple[str, str]:
    return form(change.first), form(change.last)


def _evaluations(rows: Sequence[EvaluationRow]) -> str:
    if not rows:
        return "There were none."
    ks = sorted({k for row in rows for k in row.best if k != "1"}, key=int)
    headers = ("stage", "iteration", "rollouts", "tasks", "pass@1", "95 %", *(f"pass@{k}" for k in ks))
    return table(
        headers,
        [
            (
                row.stage,
                str(row.total),
                f"{row.rollouts:,}",
                f"{row.tasks} x {row.samples}",
                percent(row.mean),
                f"{percent(row.low)} to {percent(row.high)}",
                *(percent(row.best[k]) if k in row.best else "–" for k in ks),
            )
            for row in rows
        ],
    )


def _tests(tests: dict[str, Any]) -> str:
    rows = [
        (
            name,
            f"{row.get('evaluation/tasks', 0):.0f} x {row.get('evaluation/samples', 0):.0f}",
            percent(row.get("evaluation/pass@1", math.nan)),
            f"{percent(row.get('evaluation/low', math.nan))} to {percent(row.get('evaluation/high', math.nan))}",
        )
        for name, row in tests.items()
    ]
    return table(("set", "tasks", "pass@1", "95 %"), rows)


def _kinds(report: Report) -> str:
    evaluated = [row for row in report.evaluations if row.kinds]
    learnt = {
        name.removeprefix("success/"): change
        for stage in report.stages
        for name, change in stage.figures.items()
        if name.startswith("success/")
    }
    names = sorted({*learnt, *(name for row in evaluated for name in row.kinds)})
    if not names:
        return "Not recorded."
    nothing = Change(first=math.nan, last=math.nan)
    rows = [
        (
            name,
            *_both(learnt.get(name, nothing), percent),
            percent(evaluated[0].kinds.get(name, math.nan)) if evaluated else "–",
            percent(evaluated[-1].kinds.get(name, math.nan)) if evaluated else "–",
        )
        for name in names
    ]
    return table(("kind", "learnt from: first 5", "last 5", "held out: first", "last"), rows)
