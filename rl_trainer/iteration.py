"""One iteration of RL: groups that teach something are gathered, given credit, and learnt from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rl_trainer.budgets import with_effort, with_length_reward
from rl_trainer.continuing import valued
from rl_trainer.credit.credit import Credit, Estimator
from rl_trainer.curriculum import choose
from rl_trainer.pool import Pool, draw, fresh, noted
from rl_trainer.recording import keyed_seed
from rl_trainer.rolling_out import Ahead, Roll
from rl_trainer.rollout import Rig
from rl_trainer.sample import Sample
from rl_trainer.samples import samples_of_group
from rl_trainer.selection import D3S, Pods, d3s, pods
from rl_trainer.stages import DapoStage
from rl_trainer.task import Task
from rl_trainer.trajectory import Group


@dataclass(frozen=True, slots=True)
class Worth:
    """A group with its credit."""

    group: Group
    credit: Credit


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """chosen: what is learnt from. rolled: all groups rolled out now. generations: how often tasks were drawn.

    uninformative: groups without variance, dropped or not. carried: groups of earlier iterations among the chosen.
    continuations: runs that were made for the values of turns.
    """

    chosen: tuple[Worth, ...]
    rolled: tuple[Group, ...]
    pool: Pool
    generations: int
    uninformative: int
    carried: int
    expired: int
    continuations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Where an iteration stands: its number, the tasks it may draw, the seed of what is drawn, and who rolls out."""

    iteration: int
    tasks: Sequence[Task]
    seed: str
    roll: Roll


async def gather(stage: DapoStage, rig: Rig, estimator: Estimator, pool: Pool, at: Draw) -> Gathered:
    """Enough groups for one iteration: those that wait first, then new ones until enough of them teach something.

    It neither stops nor shrinks silently: after `stage.generations` draws it goes on with what there is, and how many
    rollouts taught nothing is counted. Surplus groups wait for the next iterations, `stage.carry` of them.
    """
    kept = fresh(pool, at.iteration, stage.carry)
    expired = len(pool.waiting) - len(kept)
    chosen = [Worth(group, estimator(group)) for group in kept[: stage.problems]]
    carried, surplus = len(chosen), list(kept[stage.problems :])
    rolled: list[Group] = []
    generations = uninformative = continuations = 0
    while len(chosen) < stage.problems and generations < stage.generations:
        tasks, pool = _drawn(stage, pool, at, generations)
        if not tasks:
            break
        found = await at.roll(tasks, seed=f"{at.seed}/{stage.name}/{generations}", iteration=at.iteration)
        found, more = await valued(found, tasks, rig, seed=f"{at.seed}/{stage.name}/{generations}/{at.iteration}")
        continuations += more
        generations += 1
        rolled += found
        pool = noted(pool, found)
        for group in (_shaped(each, stage, rig, at.iteration) for each in found):
            worth = Worth(group, estimator(group))
            uninformative += not worth.credit.informative
            if stage.drop and not worth.credit.informative:
                continue
            if len(chosen) < stage.problems:
                chosen.append(worth)
            else:
                surplus.append(group)
    if stage.carry == 0:
        surplus = []
    return Gathered(
        chosen=_selected(chosen, stage, at.iteration),
        rolled=tuple(rolled),
        pool=replace(pool, waiting=tuple(surplus)),
        generations=generations,
        uninformative=uninformative,
        carried=carried,
        expired=expired,
        continuations=continuations,
    )


async def gather_ahead(stage: DapoStage, rig: Rig, estimator: Estimator, pool: Pool, ahead: Ahead) -> Gathered:
    """The same from rollouts that run ahead: what comes next is taken until enough of it teaches something.

    Stale groups are dropped on the way and counted as expired. Surplus does not arise, so nothing is carried over.
    """
    chosen: list[Worth] = []
    rolled: list[Group] = []
    uninformative, dropped = 0, ahead.dropped
    while len(chosen) < stage.problems and len(rolled) < stage.problems * stage.generations:
        found = await ahead.take(stage.problems - len(chosen))
        if not found:
            break
        rolled += found
        worths = [Worth(group, estimator(group)) for group in (_shaped(each, stage, rig, 0) for each in found)]
        kept = [worth for worth in worths if worth.credit.informative or not stage.drop]
        uninformative += sum(not worth.credit.informative for worth in worths)
        await ahead.discard(len(worths) - len(kept))
        chosen += kept
    return Gathered(
        chosen=_selected(chosen, stage, 0),
        rolled=tuple(rolled),
        pool=replace(noted(pool, rolled), drawn=pool.drawn + len(rolled)),
        generations=-(-len(rolled) // stage.problems),
        uninformative=uninformative,
        carried=0,
        expired=ahead.dropped - dropped,
        continuations=0,
    )


def _drawn(stage: DapoStage, pool: Pool, at: Draw, generation: int) -> tuple[list[Task], Pool]:
    """The next tasks: round by round, or by how hard they have been."""
    seed = f"{at.seed}/{stage.name}"
    if stage.draw is None:
        return draw(pool, at.tasks, stage.problems, seed)
    by_id = {task.id: task for task in at.tasks}
    seed = f"{seed}/{at.iteration}/{generation}"
    names = choose(list(by_id), pool.tried, stage.draw, count=stage.problems, seed=seed)
    return [by_id[name] for name in names], pool


def _shaped(group: Group, stage: DapoStage, rig: Rig, iteration: int) -> Group:
    """The group with what the stage adds to its rewards, and without what it does not look at."""
    if rig.settings.effort is not None:
        group = with_effort(group, rig.settings.effort)
    if stage.length is not None:
        group = with_length_reward(group, stage.length, iteration=iteration)
    return pods(group, stage.select) if isinstance(stage.select, Pods) else group


def _selected(chosen: Sequence[Worth], stage: DapoStage, iteration: int) -> tuple[Worth, ...]:
    if not isinstance(stage.select, D3S) or not chosen:
        return tuple(chosen)
    progress = min(1.0, iteration / max(1, stage.iterations - 1))
    kept = d3s([(worth.group, worth.credit) for worth in chosen], stage.select, progress=progress)
    return tuple(Worth(group, credit) for group, credit in kept)


def batches(chosen: Sequence[Worth], size: int, updates: int, seed: str) -> list[list[Sample]]:
    """The samples of each optimiser step: about `size` trajectories, groups whole, in an order of the seed's.

    A whole group shares its prefixes, which are then computed once. updates: steps at most, 0 for as many as it takes.
    None where nothing teaches anything.
    """
    order = sorted(range(len(chosen)), key=lambda place: keyed_seed(seed, chosen[place].group.task_id, place))
    steps: list[list[Worth]] = [[]]
    for place in order:
        if sum(len(each.group.trajectories) for each in steps[-1]) >= size:
            steps.append([])
        steps[-1].append(chosen[place])
    if updates and len(steps) > updates:
        steps = [[each for step in steps[start::updates] for each in step] for start in range(updates)]
    made: list[list[Sample]] = []
    for step in steps:
        samples: list[Sample] = []
        for worth in step:
            first = samples[-1].trajectory + 1 if samples else 0
            samples += samples_of_group(worth.group, worth.credit, first=first)
        if samples and any(bool(np.any(each.advantages)) for each in samples):
            made.append(samples)
    return made
