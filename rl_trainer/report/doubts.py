"""What a reader of the figures should be wary of, and what they do not say."""

from collections.abc import Sequence
from typing import Any

from rl_trainer.report.summary import EvaluationRow, StageSummary
from rl_trainer.run_folder import Record

_BROKEN = 0.05
_WASTED = 0.5
_COLLAPSED = 0.1
_RATIO = 0.2


def warnings_of(stages: Sequence[StageSummary], records: Sequence[Record]) -> tuple[str, ...]:
    """What went wrong, or looks as if it did, in sentences."""
    out: list[str] = []
    runs, broken = (sum(each.values.get(name, 0.0) for each in records) for name in ("rollout/runs", "rollout/infra"))
    if runs and broken / runs > _BROKEN:
        out.append(f"In {100 * broken / runs:.0f} % of the runs the world broke; they count for nothing.")
    if any(each.values.get("rollout/turns") == 0 for each in records):
        out.append("There are rollouts without a single turn: the policy was never asked, so their success is no news.")
    skipped = sum(each.values.get("step/skipped", 0.0) for each in records)
    if skipped:
        out.append(f"{skipped:.0f} optimiser steps had no finite gradient and were not made.")
    for stage in stages:
        out += _of_stage(stage)
    return tuple(out)


def _of_stage(stage: StageSummary) -> list[str]:
    out: list[str] = []
    figures = stage.figures
    if stage.idle:
        out.append(f"{stage.name}: iterations that found nothing to learn from, and made no step: {stage.idle}.")
    if stage.runs and stage.wasted / stage.runs > _WASTED:
        out.append(
            f"{stage.name}: {100 * stage.wasted / stage.runs:.0f} % of the rollouts were in groups without variance; "
            "tasks of middling difficulty (the stage's pool), or larger groups, waste fewer."
        )
    tested = figures.get("rollout/tested_before_submit")
    if tested and tested.last < tested.first - 0.1:
        out.append(
            f"{stage.name}: tests before submitting fell from {_share(tested.first)} to {_share(tested.last)}; a turn "
            "penalty alone teaches that (reward.turns.free_tests, reward.verified)."
        )
    cheats = figures.get("rollout/cheat")
    if cheats and cheats.last > 0:
        out.append(f"{stage.name}: {_share(cheats.last)} of the last runs tried to cheat; read them before believing.")
    entropy = figures.get("step/entropy")
    if entropy and entropy.first > 0 and entropy.last < _COLLAPSED * entropy.first:
        out.append(
            f"{stage.name}: entropy fell from {entropy.first:.3g} to {entropy.last:.3g} nats: nothing new is tried."
        )
    clipped = figures.get("step/clip_fraction")
    if clipped and clipped.last > _RATIO:
        out.append(f"{stage.name}: {_share(clipped.last)} of the tokens are clipped; fewer updates, or a lower rate.")
    return out


def missing_of(
    records: Sequence[Record], evaluations: Sequence[EvaluationRow], tests: dict[str, Any]
) -> tuple[str, ...]:
    """What was not measured, in sentences."""
    names = {name for each in records for name in each.values}
    iterations = [each for each in records if each.kind == "iteration"]
    out = ["How other seeds would do: this is one. `quartermaster train report RUN RUN ...` puts several together."]
    if not tests:
        out.append("The test sets: `quartermaster train eval RUN` runs them.")
    if not evaluations:
        out.append("Held-out tasks during training: success is that of tasks that were learnt from.")
    elif evaluations[-1].samples < 2:
        out.append("pass@k: evaluations made one run of each task (evaluation.samples).")
    if iterations and not any(each.values.get("drift/max") for each in iterations):
        out.append("Drift between sampler and trainer: no tokens were compared, or all were equal.")
    if iterations and not any(each.values.get("rollout/entropy") for each in iterations):
        out.append("The sampler's entropy: the engine does not give it.")
    if not any(name.startswith("success/") and name != "success/all" for name in names):
        out.append("Success by kind: the tasks have no kinds, so a shortcut would not show.")
    return tuple(out)


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"
