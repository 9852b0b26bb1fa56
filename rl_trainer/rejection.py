# pyright: basic, reportMissingImports=false
"""Rejection fine-tuning: runs are made, those that pass are learnt by heart, turns that were no action are masked.

Source: arXiv 2508.03501, section 4.1 (6,548 passing runs of 10 tries a task, one epoch, masked format errors).
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from rl_trainer.checkpoint import Saved
from rl_trainer.dapo import evaluate_when_due
from rl_trainer.errors import LearningFailed, RecipeWrong, TrainingDataMissing
from rl_trainer.measured import of_groups
from rl_trainer.objectives.settings import ObjectiveSettings
from rl_trainer.pool import draw, noted
from rl_trainer.recipe import of_stage
from rl_trainer.recording import keyed_seed
from rl_trainer.rewards import RunLimits, reward_of
from rl_trainer.rollout import roll_groups
from rl_trainer.run_folder import read_groups
from rl_trainer.sample import Sample
from rl_trainer.samples import imitation_samples
from rl_trainer.stages import RftStage
from rl_trainer.step.processes import from_first
from rl_trainer.step.record import StepRecord
from rl_trainer.task import Task
from rl_trainer.training import Training
from rl_trainer.trajectory import Group, Trajectory

_EVERY = 50
"""Optimiser steps between two checkpoints."""


async def run_rft(training: Training, stage: RftStage, saved: Saved | None) -> None:
    """Run the stage from where the training stands to its end. Its iterations are optimiser steps.

    Raises:
        LearningFailed: no run passed. TrainingDataMissing: `from_file` is not there.
    """
    recipe = of_stage(training.recipe, stage)
    learner = training.begin_stage(recipe.step, ObjectiveSettings(name="sft"), saved)
    reward = reward_of(recipe.reward, RunLimits(turns=recipe.rollout.turns))
    training.rig = replace(training.rig, settings=recipe.rollout, reward=reward)
    done = 0
    for lap in range(stage.iterations):
        name = f"rft-{stage.name}-{lap}"
        found = from_first(await _groups(training, stage, lap, name) if training.first else None)
        assert found is not None
        groups, new = found
        plan = _plan(groups, stage, recipe.step.batch, f"{training.seed}/{name}")
        if training.place.iteration == done and new:
            training.pool = noted(training.pool, groups)
            training.advance(rollouts=training.place.rollouts + sum(len(each.trajectories) for each in groups))
            training.record("rollouts", stage.name, of_groups(groups))
        training.watching.doing(f"{stage.name}: fine-tuning", len(plan))
        for samples in plan[max(0, training.place.iteration - done) :]:
            record = learner.update(samples)
            place = training.place
            training.advance(iteration=place.iteration + 1, total=place.total + 1, tokens=place.tokens + record.tokens)
            await training.new_weights(1)
            training.record("step", stage.name, _values(record))
            if training.place.iteration % _EVERY == 0:
                training.save()
        done += len(plan)
    await evaluate_when_due(training, stage.name, last=True)
    training.save()


def _values(record: StepRecord) -> dict[str, float]:
    names = ("loss", "grad_norm", "tokens", "computed", "seconds", "memory_mb")
    return {f"step/{name}": float(getattr(record, name)) for name in names}


async def _groups(training: Training, stage: RftStage, lap: int, name: str) -> tuple[list[Group], bool]:
    """The runs to choose from, and whether they were rolled out by this training (and count as rollouts)."""
    if stage.from_file:
        file = Path(stage.from_file)
        if not file.is_file():  # noqa: ASYNC240 - nothing else runs meanwhile
            raise TrainingDataMissing(f"stage {stage.name!r} learns from {file}, which is not there")
        return list(read_groups(file)), False
    if stage.expert:
        return await _demonstrations(training, stage, name), False
    if (kept := training.folder.groups(name)) is not None:
        return kept, True
    tasks = list(training.tasks)
    if stage.tasks:
        tasks, _ = draw(replace(training.pool, drawn=lap * stage.tasks), tasks, stage.tasks, f"{training.seed}/{name}")
    settings = msgspec.structs.replace(training.rig.settings, group=stage.samples, checkpoints="none", forks=None)
    training.watching.doing(f"{stage.name}: runs", len(tasks) * stage.samples)
    groups = await roll_groups(
        tasks, replace(training.rig, settings=settings), seed=f"{training.seed}/{name}", told=training.watching.rolled
    )
    training.folder.write_groups(name, groups)
    return groups, True


async def _demonstrations(training: Training, stage: RftStage, name: str) -> list[Group]:
    """Runs of a scripted expert: of the small world's, or of the teacher that knows the right files of SWE tasks."""
    tasks = training.tasks[: stage.tasks] if stage.tasks else training.tasks
    match sorted({task.environment for task in tasks}):
        case ["repairs"]:
            from rl_trainer.environments.repairs.demonstrations import demonstrations

            return demonstrations(tasks, f"{training.seed}/{name}", stage.expert, each=stage.samples)
        case ["swe"]:
            return await _taught(training, stage, name, tasks)
        case worlds:
            raise RecipeWrong(
                f"stage {stage.name!r}: expert has no effect on tasks of {', '.join(worlds)}; there is one for "
                "repairs, and one for swe"
            )


async def _taught(training: Training, stage: RftStage, name: str, tasks: Sequence[Task]) -> list[Group]:
    """The teacher's runs take real sandboxes, so they are kept."""
    from rl_trainer.environments.swe.teacher import demonstrations

    if (kept := training.folder.groups(name)) is not None:
        return kept
    training.watching.doing(f"{stage.name}: demonstrations", len(tasks) * stage.samples)
    seed = f"{training.seed}/{name}"
    groups = await demonstrations(tasks, training.rig, seed=seed, share_right=stage.expert, each=stage.samples)
    training.folder.write_groups(name, groups)
    return groups


def passing(groups: Sequence[Group], most_each: int, seed: str, *, only_passing: bool = True) -> list[Trajectory]:
    """Runs that passed and did not cheat, at most so many of a task; equal ones count once."""
    kept: list[Trajectory] = []
    for group in groups:
        right = [each for each in group.trajectories if _good(each) or not (only_passing or each.infra)]
        different = list({tuple(turn.completion for turn in each.turns): each for each in right}.values())
        different.sort(key=lambda each: keyed_seed(seed, group.task_id, each.member))
        kept += different[:most_each]
    return kept


def _good(trajectory: Trajectory) -> bool:
    return trajectory.passed and not trajectory.infra and not trajectory.facts.get("cheat")


def _plan(groups: Sequence[Group], stage: RftStage, size: int, seed: str) -> list[list[Sample]]:
    """The samples of every optimiser step, epoch after epoch, each in an order of its own."""
    chosen = passing(groups, stage.most_each, seed, only_passing=stage.only_passing)
    if not chosen:
        raise LearningFailed(
            f"stage {stage.name!r}: none of {sum(len(group.trajectories) for group in groups)} runs passed, so there "
            "is nothing to imitate; give easier tasks, more samples, or a stronger model's runs (from_file)"
        )
    steps: list[list[Sample]] = []
    for epoch in range(stage.epochs):
        order = list(chosen)
        random.Random(f"{seed}/{epoch}").shuffle(order)  # noqa: S311 - an order, no secret
        for start in range(0, len(order), size):
            samples = imitation_samples(order[start : start + size], mask_malformed=stage.mask_malformed)
            if samples:
                steps.append(samples)
    return steps[: stage.steps] if stage.steps else steps
