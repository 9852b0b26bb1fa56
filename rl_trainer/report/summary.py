"""A run's stages, evaluations and recipe in brief, from its records."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from rl_trainer.recipe import Recipe, of_stage
from rl_trainer.run_folder import Record
from rl_trainer.stages import DapoStage, Stage

ENDS = 5
"""So many iterations at a stage's beginning, and at its end, are averaged to say where it began and where it ended."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A figure's mean over the first and the last iterations of a stage."""

    first: float
    last: float


class StageSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One stage. figures: by the name that a record has. runs: rolled out, with continuations of turns.

    wasted: runs in groups all of which got the same reward. idle: iterations without a step. expired: groups that
    taught something, waited for a place, and got none.
    """

    name: str
    kind: str
    iterations: int
    updates: int
    idle: int
    runs: int
    wasted: int
    expired: int
    learnt_tokens: int
    hours: float
    figures: dict[str, Change]


class EvaluationRow(msgspec.Struct, frozen=True, kw_only=True):
    """pass@1 on tasks that were not learnt from, with its 95 % interval (bootstrap over tasks). best: pass@k by k."""

    stage: str
    total: int
    rollouts: int
    tasks: int
    samples: int
    mean: float
    low: float
    high: float
    best: dict[str, float]
    kinds: dict[str, float]


def stage_summaries(recipe: Recipe, records: Sequence[Record]) -> tuple[StageSummary, ...]:
    """A summary of every stage that has begun."""
    found = ((stage, [each for each in records if each.stage == stage.name]) for stage in recipe.stages)
    return tuple(_stage(recipe, stage, own) for stage, own in found if own)


def evaluation_rows(records: Sequence[Record]) -> tuple[EvaluationRow, ...]:
    """The evaluations that could grade anything, oldest first."""
    return tuple(
        EvaluationRow(
            stage=each.stage,
            total=each.total,
            rollouts=each.rollouts,
            tasks=int(each.values["evaluation/tasks"]),
            samples=int(each.values.get("evaluation/samples", 0)),
            mean=each.values["evaluation/pass@1"],
            low=each.values["evaluation/low"],
            high=each.values["evaluation/high"],
            best=_below(each, "evaluation/pass@"),
            kinds=_below(each, "success/"),
        )
        for each in records
        if each.kind == "evaluation" and {"evaluation/pass@1", "evaluation/low"} <= each.values.keys()
    )


def recipe_in_brief(recipe: Recipe) -> dict[str, str]:
    """What one must know of a recipe to judge its curves."""
    table: dict[str, Any] = msgspec.to_builtins(recipe)
    objective = {key: value for key, value in table["objective"].items() if value not in (None, [], ())}
    reward = {key: value for key, value in table["reward"].items() if value not in (None, 0.0)}
    step = recipe.step
    return {
        "model": recipe.model.name + (f", LoRA of rank {recipe.model.lora.rank}" if recipe.model.lora else ""),
        "tasks": recipe.tasks.source,
        "seed": str(recipe.seed),
        "rollouts": f"G = {recipe.rollout.group}, at most {recipe.rollout.turns} turns, "
        f"temperature {recipe.rollout.temperature:g}",
        "reward": _pairs(reward),
        "credit": "; ".join(_pairs(each) for each in (table["credit"]["estimator"], *table["credit"]["modifiers"])),
        "objective": _pairs(objective),
        "step": f"learning rate {step.learning_rate:g}, {step.batch} trajectories, weight decay {step.weight_decay:g}",
        "engine": recipe.engine.kind,
    }


def figure_of(record: Record, name: str) -> float:
    """A figure; no number where it is not there, and of the optimiser where the iteration made no step."""
    idle = record.values.get("step/updates") == 0 and name.startswith(("step/", "drift/"))
    return math.nan if idle else record.values.get(name, math.nan)


def wasted_runs(record: Record, group: int) -> float:
    """Runs of an iteration in groups that taught nothing."""
    return record.values.get("groups/uninformative", 0.0) * group


def _stage(recipe: Recipe, stage: Stage, records: Sequence[Record]) -> StageSummary:
    group = of_stage(recipe, stage).rollout.group if isinstance(stage, DapoStage) else stage.samples
    rolled = [each for each in records if each.kind in {"iteration", "rollouts"}]
    steps = [each for each in records if each.kind in {"iteration", "step"}]
    return StageSummary(
        name=stage.name,
        kind="DAPO" if isinstance(stage, DapoStage) else "rejection fine-tuning",
        iterations=steps[-1].iteration if steps else 0,
        updates=int(sum(each.values.get("step/updates", 1.0) for each in steps)),
        idle=sum(each.values.get("step/updates") == 0 for each in steps),
        runs=int(_sum(rolled, "rollout/runs") + _sum(rolled, "groups/continuations")),
        wasted=int(sum(wasted_runs(each, group) for each in rolled)),
        expired=int(_sum(rolled, "groups/expired")),
        learnt_tokens=int(_sum(rolled, "step/tokens")),
        hours=_sum(rolled, "time/iteration_s") / 3600,
        figures=_changes([each for each in records if each.kind == "iteration"] or steps),
    )


def _changes(records: Sequence[Record]) -> dict[str, Change]:
    names = dict.fromkeys(name for each in records for name in each.values)
    return {name: Change(first=_mean(records[:ENDS], name), last=_mean(records[-ENDS:], name)) for name in names}


def _mean(records: Sequence[Record], name: str) -> float:
    found = [value for each in records if math.isfinite(value := figure_of(each, name))]
    return sum(found) / len(found) if found else math.nan


def _sum(records: Sequence[Record], name: str) -> float:
    return sum(each.values.get(name, 0.0) for each in records)


def _below(record: Record, start: str) -> dict[str, float]:
    return {name.removeprefix(start): value for name, value in record.values.items() if name.startswith(start)}


def _pairs(table: dict[str, Any]) -> str:
    return ", ".join(
        f"{key} ({_pairs(value)})" if isinstance(value, dict) else str(value) if key == "name" else f"{key} {value}"
        for key, value in table.items()
    )
