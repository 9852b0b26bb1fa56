# pyright: basic, reportMissingImports=false
"""The RL stage: the paper's modified DAPO, and whatever else a recipe's objective and credit make of it.

Source: arXiv 2508.03501, section 4: fully synchronous, G runs a task, no KL term, groups without variance dropped,
runs that were cut off kept as negatives.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np

from rl_trainer.budgets import budget_at
from rl_trainer.checkpoint import Place, Saved
from rl_trainer.credit.registry import credit_of
from rl_trainer.errors import LearningFailed, RecipeWrong
from rl_trainer.evaluate import evaluate
from rl_trainer.guard import Drift, check_drift, check_sampling, measure_drift
from rl_trainer.iteration import Draw, Gathered, batches, gather
from rl_trainer.measured import of_groups
from rl_trainer.pool import eligible
from rl_trainer.recipe import DapoStage, of_stage
from rl_trainer.rewards import RunLimits, reward_of
from rl_trainer.sample import Sample
from rl_trainer.step.learner import Learner
from rl_trainer.step.record import StepRecord
from rl_trainer.training import Training

_MOST_BARREN = 3
"""Iterations in a row without a group that teaches something, before training stops and says so."""

_DRIFT_SAMPLES = 16
"""So many samples of an iteration have their log-probabilities computed again."""


async def run_dapo(training: Training, stage: DapoStage, saved: Saved | None) -> None:
    """Run the stage from where the training stands to its end; a checkpoint after every iteration.

    Raises:
        SamplingBiased: sampler and trainer disagree. RecipeWrong: nothing to draw from, or a field without effect.
        LearningFailed: no finite step, or nothing to learn from.
    """
    recipe = of_stage(training.recipe, stage)
    reward = reward_of(recipe.reward, RunLimits(turns=recipe.rollout.turns))
    training.rig = rig = replace(training.rig, settings=recipe.rollout, reward=reward)
    wanted = rig.sampling
    check_sampling(wanted, await rig.policy.effective(), trained=recipe.step.temperature)
    learner = training.begin_stage(recipe.step, recipe.objective, saved)
    estimator = credit_of(recipe.credit)
    if not training.place.iteration:
        training.pool = replace(training.pool, drawn=0, waiting=())
    tasks = training.drawable(stage.name, lambda: eligible(training.tasks, training.pool, stage.pool))
    if not tasks:
        raise RecipeWrong(f"stage {stage.name!r}: its pool leaves none of the {len(training.tasks)} tasks")
    while not _done(training.place, stage):
        started = time.monotonic()
        if stage.turns is not None:
            turns = budget_at(training.place.iteration, stage.turns)
            rig = replace(rig, settings=msgspec.structs.replace(rig.settings, turns=turns))
        at = Draw(iteration=training.place.iteration, tasks=tasks, seed=training.seed, told=training.watching.rolled)
        training.watching.doing(
            f"{stage.name} {at.iteration + 1}/{stage.iterations}", stage.problems * rig.settings.group
        )
        gathered = await gather(stage, rig, estimator, training.pool, at)
        rolled_s = time.monotonic() - started
        steps = batches(
            gathered.chosen, recipe.step.batch, stage.updates, f"{training.seed}/{stage.name}/{at.iteration}"
        )
        barren = 0 if steps else training.place.barren + 1
        if barren >= _MOST_BARREN:
            raise LearningFailed(
                f"stage {stage.name!r}: nothing to learn from in {barren} iterations in a row: all runs of each task "
                "got the same reward. Draw easier or harder tasks (pool), raise rollout.group or the stage's "
                "generations, or begin with rejection fine-tuning"
            )
        drift = _drift(learner, [sample for step in steps for sample in step], training.place.version)
        check_drift(drift, limit=float("inf"), mean=recipe.engine.drift)
        records = _learn(learner, steps, trainer_is_old=recipe.engine.old == "trainer")
        training.pool = gathered.pool
        place = training.place
        training.advance(
            iteration=place.iteration + 1,
            total=place.total + 1,
            rollouts=place.rollouts
            + gathered.continuations
            + sum(len(group.trajectories) for group in gathered.rolled),
            tokens=place.tokens + sum(record.tokens for record in records),
            barren=barren,
            seconds=place.seconds + time.monotonic() - started,
        )
        if records:
            await training.new_weights(len(records))
        training.folder.write_groups(f"{training.place.total:06d}", [worth.group for worth in gathered.chosen])
        values = {**of_groups(gathered.rolled), **_values(gathered, records, drift)}
        values |= {"time/rollout_s": rolled_s, "time/iteration_s": time.monotonic() - started}
        training.record("iteration", stage.name, values)
        await evaluate_when_due(training, stage.name, last=_done(training.place, stage))
        training.save()


def _done(place: Place, stage: DapoStage) -> bool:
    return place.iteration >= stage.iterations or (0 < stage.rollouts <= place.rollouts)


async def evaluate_when_due(training: Training, stage: str, *, last: bool) -> None:
    """Evaluate on the development tasks every so many iterations, and at the end of a stage."""
    settings = training.recipe.evaluation
    if not settings.every or not training.development:
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
