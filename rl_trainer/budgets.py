"""Budgets that shrink while training goes on, and rewards for keeping to one: length and effort curricula."""

from typing import Annotated, Literal

import msgspec

from rl_trainer.credit.statistics import mean
from rl_trainer.errors import CreditImpossible
from rl_trainer.trajectory import Group, Trajectory

Unit = Literal["turns", "tokens"]


class Annealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A budget: `start` (B0), times `decay` (gamma) after every `every` (T) iterations, never below `least`."""

    start: Annotated[int, msgspec.Meta(ge=1)]
    decay: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 0.9
    every: Annotated[int, msgspec.Meta(ge=1)] = 10
    least: Annotated[int, msgspec.Meta(ge=1)] = 1


class LengthReward(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`weight` times the triangle over the budget; of turns or of sampled tokens."""

    budget: Annealed
    unit: Unit = "tokens"
    weight: Annotated[float, msgspec.Meta(gt=0.0)] = 0.1


class Effort(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fractions r of the mean length of a task's runs that a run may be asked to keep within; `asked` picks one."""

    fractions: Annotated[tuple[Annotated[float, msgspec.Meta(gt=0.0)], ...], msgspec.Meta(min_length=1)]
    unit: Unit = "tokens"


def budget_at(iteration: int, settings: Annealed) -> int:
    """B(t) = max(least, B0 * gamma^floor(t / T)), in whole turns or tokens.

    Source: "Train long, think short" (arXiv 2508.08940), with least = 1.
    """
    return max(settings.least, int(settings.start * settings.decay ** (iteration // settings.every)))


def triangle(length: int, budget: int) -> float:
    """1 where the length is the budget, sinking evenly to 0 at nothing and at twice the budget.

    The paper's reward peaks at the budget, so that thinking is neither cut short nor goes on; the slopes are ours.
    """
    return max(0.0, 1.0 - abs(length - budget) / budget)


def with_length_reward(group: Group, settings: LengthReward, *, iteration: int) -> Group:
    """The group with a part `length` in every reward; runs whose world failed stay as they are."""
    budget = budget_at(iteration, settings.budget)
    runs = (
        run if run.infra else _plus(run, "length", settings.weight * triangle(length_of(run, settings.unit), budget))
        for run in group.trajectories
    )
    return msgspec.structs.replace(group, trajectories=tuple(runs))


def asked(member: int, settings: Effort) -> float:
    """The fraction that a member of a group is asked for: each in turn, so that a group compares them."""
    return settings.fractions[member % len(settings.fractions)]


def with_effort(group: Group, settings: Effort) -> Group:
    """The group rewarded by R * 1[length / mean length < r], r being what the run was asked for (`facts["effort"]`).

    A part `effort` takes away what a solved run that was too long had got for its outcome. The mean is over the
    group's own runs. Source: e1 (adaptive effort control), where the prompt names r and a model learns to obey it.

    Raises:
        CreditImpossible: a run was asked for nothing.
    """
    living = [run for run in group.trajectories if not run.infra]
    usual = mean([float(length_of(run, settings.unit)) for run in living])
    runs = (run if run.infra else _within_effort(run, usual, settings.unit) for run in group.trajectories)
    return msgspec.structs.replace(group, trajectories=tuple(runs))


def length_of(run: Trajectory, unit: Unit) -> int:
    """How many turns it took, or how many tokens were sampled."""
    return len(run.turns) if unit == "turns" else run.tokens


def _within_effort(run: Trajectory, usual: float, unit: Unit) -> Trajectory:
    fraction = run.facts.get("effort", 0.0)
    if fraction <= 0:
        raise CreditImpossible(
            f"e1 rewards runs by the effort they were asked for, and run {run.member} on task {run.task_id!r} was "
            'asked for none: let the rollout name it in the prompt and note it as facts["effort"]'
        )
    fits = usual == 0 or length_of(run, unit) / usual < fraction
    return _plus(run, "effort", 0.0 if fits else -max(0.0, run.rewards.get("outcome", 0.0)))


def _plus(run: Trajectory, name: str, value: float) -> Trajectory:
    return msgspec.structs.replace(run, rewards={**run.rewards, name: value})
