# pyright: basic, reportMissingImports=false
"""The RL stage: the paper's modified DAPO, and whatever else a recipe's objective and credit make of it.

Source: arXiv 2508.03501, section 4: fully synchronous, G runs a task, no KL term, groups without variance dropped,
runs that were cut off kept as negatives.
"""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from rl_trainer.budgets import budget_at
from rl_trainer.checkpoint import Place, Saved
from rl_trainer.credit.registry import credit_of
from rl_trainer.errors import LearningFailed, RecipeWrong
from rl_trainer.evaluate import evaluate
from rl_trainer.guard import Drift, check_drift, check_sampling, measure_drift
from rl_trainer.iteration import Draw, Gathered, batches, gather, gather_ahead
from rl_trainer.measured import of_groups
from rl_trainer.pool import eligible
from rl_trainer.recipe import Recipe, of_stage
from rl_trainer.rewards import RunLimits, reward_of
from rl_trainer.rolling_out import Ahead, Roll, elsewhere, here, open_fleet, open_rolling_ahead
from rl_trainer.sample import Sample
from rl_trainer.stages import DapoStage
from rl_trainer.step.learner import Learner
from rl_trainer.step.processes import from_first
from rl_trainer.step.record import StepRecord
from rl_trainer.task import Task
from rl_trainer.training import Training

_MOST_BARREN = 3
"""Iterations in a row without a group that teaches something, before training stops and says so."""

_DRIFT_SAMPLES = 16
"""So many samples of an iteration have their log-probabilities computed again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _AtWork:
    """A stage that is being run. recipe: as the stage has it."""

    training: Training
    stage: DapoStage
    recipe: Recipe
    learner: Learner
    tasks: Sequence[Task]
    ahead: Ahead | None
    roll: Roll | None


async def run_dapo(training: Training, stage: DapoStage, saved: Saved | None) -> None:
    """Run the stage from where the training stands to its end; a checkpoint after every iteration.

    Raises:
        SamplingBiased: sampler and trainer disagree. RecipeWrong: nothing to draw from, or a field without effect.
        LearningFailed: no finite step, or nothing to learn from.
    """
    recipe = of_stage(training.recipe, stage)
    reward = reward_of(recipe.reward, RunLimits(turns=recipe.rollout.turns))
    training.rig = replace(training.rig, settings=recipe.rollout, reward=reward)
    check_sampling(training.rig.sampling, await training.rig.policy.effective(), trained=recipe.step.temperature)
    learner = training.begin_stage(recipe.step, recipe.objective, saved)
    if not training.place.iteration:
        training.pool = replace(training.pool, drawn=0, waiting=())
    tasks = training.drawable(stage.name, lambda: eligible(training.tasks, training.pool, stage.pool))
    if not tasks:
        raise RecipeWrong(f"stage {stage.name!r}: its pool leaves none of the {len(training.tasks)} tasks")
    async with _rollouts(training, stage, recipe, tasks) as (roll, ahead):
        at = _AtWork(
            training=training, stage=stage, recipe=recipe, learner=learner, tasks=tasks, ahead=ahead, roll=roll
        )
        while not _done(training.place, stage):
            await _iterate(at)


@asynccontextmanager
async def _rollouts(
    training: Training, stage: DapoStage, recipe: Recipe, tasks: Sequence[Task]
) -> AsyncGenerator[tuple[Roll | None, Ahead | None]]:
    """Who rolls out: the first process, or its fleet; the others are told what came of it."""
    if not training.first:
        yield None, None
        return
    told = training.watching.rolled
    async with open_fleet(recipe) as fleet:
        roll = here(training.rig, told) if fleet is None else elsewhere(fleet, recipe, told)
        at = (tasks, training.seed, training.place.version)
        async with open_rolling_ahead(stage, recipe, roll, training.pool, at) as ahead:
            yield roll, ahead


async def _iterate(at: _AtWork) -> None:
    """Gather, learn, write down, save."""
    training, stage, learner = at.training, at.stage, at.learner
    started = time.monotonic()
    gathered = from_first(await _gathered(at) if training.first else None)
    assert gathered is not None
    rolled_s = time.monotonic() - started
    place = training.place
    seed = f"{training.seed}/{stage.name}/{place.iteration}"
    steps = batches(gathered.chosen, at.recipe.step.batch, stage.updates, seed)
    barren = _barren(stage, 0 if steps else place.barren + 1)
    drift = _drift(learner, [sample for step in steps for sample in step], place.version)
    check_drift(drift, limit=float("inf"), mean=at.recipe.engine.drift)
    records = _learn(learner, steps, trainer_is_old=at.recipe.engine.old == "trainer")
    training.pool = gathered.pool
    training.advance(
        iteration=place.iteration + 1,
        total=place.total + 1,
        rollouts=place.rollouts + gathered.continuations + sum(len(group.trajectories) for group in gathered.rolled),
        tokens=place.tokens + sum(record.tokens for record in records),
        barren=barren,
        seconds=place.seconds + time.monotonic() - started,
    )
    if records:
        await training.new_weights(len(records))
    if at.ahead is not None:
        await at.ahead.advance(training.place.version)
    training.keep_groups(f"{training.place.total:06d}", [worth.group for worth in gathered.chosen])
    values = {**of_groups(gathered.rolled), **_values(gathered, records, drift)}
    values |= {"time/rollout_s": rolled_s, "time/iteration_s": time.monotonic() - started}
    training.record("iteration", stage.name, values)
    await evaluate_when_due(training, stage.name, last=_done(training.place, stage))
    training.save()


async def _gathered(at: _AtWork) -> Gathered:
    training, stage = at.training, at.stage
    estimator, iteration = credit_of(at.recipe.credit), training.place.iteration
    training.watching.doing(
        f"{stage.name} {iteration + 1}/{stage.iterations}", stage.problems * at.recipe.rollout.group
    )
    if at.ahead is not None:
        return await gather_ahead(stage, training.rig, estimator, training.pool, at.ahead)
    rig, roll = training.rig, at.roll
    if stage.turns is not None:
        turns = budget_at(iteration, stage.turns)
        rig = replace(rig, settings=msgspec.structs.replace(rig.settings, turns=turns))
        roll = here(rig, training.watching.rolled)
    assert roll is not None
    draw = Draw(iteration=iteration, tasks=at.tasks, seed=training.seed, roll=roll)
    return await gather(stage, rig, estimator, training.pool, draw)


def _barren(stage: DapoStage, barren: int) -> int:
    if barren >= _MOST_BARREN:
        raise LearningFailed(
            f"stage {stage.name!r}: nothing to learn from in {barren} iterations in a row: all runs of each task "
            "got the same reward. Draw easier or harder tasks (pool), raise rollout.group or the stage's "
            "generations, or begin with rejection fine-tuning"
        )
    return barren


def _done(place: Place, stage: DapoStage) -> bool:
    return place.iteration >= stage.iterations or (0 < stage.rollouts <= place.rollouts)


async def evaluate_when_due(training: Training, stage: str, *, last: bool) -> None:
    """Evaluate on the development tasks every so many iterations, and at the end of a stage."""
    settings = training.recipe.evaluation
    if not settings.every or not training.development or not training.first:
        return
    at = training.place.total
    if any((each.kind, each.stage, each.total) == ("evaluation", stage, at) for each in training.folder.records()):
        return  # it was done by a process that was killed right after it
    if last or training.place.iteration % settings.every == 0:
        tasks = training.development[: settings.tasks] if settings.tasks else training.development
        found = await evaluate(tasks, training.rig, samples=settings.samples, seed=f"{training.seed}/evaluation")
        training.record("evaluation", stage, found.values())


def _learn(learner: Learner, steps: Sequence[Sequence[Sample]], *, trainer_is_old: bool) -> list[StepRecord]:
    """One update for each batch; pi_old is that of before the first, or the sampler's own."""
    old = [learner.log_probs(samples) if trainer_is_old else [each.logprobs for each in samples] for samples in steps]
    return [learner.update(samples, before) for samples, before in zip(steps, old, strict=True)]


def _drift(learner: Learner, samples: Sequence[Sample], version: int) -> Drift:
    """Between the sampler's log-probabilities and the trainer's, of samples that these very weights have drawn."""
    fresh = [each for each in samples if bool(np.all(each.versions[each.mask] == version))]
    some = fresh[:: max(1, len(fresh) // _DRIFT_SAMPLES)][:_DRIFT_SAMPLES]
    if not some:
        return measure_drift([], [])
    ours = learner.log_probs(some)
    return measure_drift(
        np.concatenate([log[each.mask] for log, each in zip(ours, some, strict=True)]),
        np.concatenate([each.logprobs[each.mask] for each in some]),
    )


def _values(gathered: Gathered, records: Sequence[StepRecord], drift: Drift) -> dict[str, float]:
    mean = {
        f"step/{name}": sum(getattr(record, name) for record in records) / max(1, len(records))
        for name in ("loss", "grad_norm", "clip_fraction", "ratio_mean", "entropy", "learning_rate", "seconds")
    }
    return {
        **mean,
        **drift.metrics(),
        "step/updates": float(len(records)),
        "step/skipped": float(sum(record.skipped for record in records)),
        "step/tokens": float(sum(record.tokens for record in records)),
        "step/computed": float(sum(record.computed for record in records)),
        "step/ratio_max": max((record.ratio_max for record in records), default=0.0),
        "step/memory_mb": max((record.memory_mb for record in records), default=0.0),
        "groups/chosen": float(len(gathered.chosen)),
        "groups/uninformative": float(gathered.uninformative),
        "groups/generations": float(gathered.generations),
        "groups/carried": float(gathered.carried),
        "groups/continuations": float(gathered.continuations),
        "groups/expired": float(gathered.expired),
        "groups/waiting": float(len(gathered.pool.waiting)),
    }
