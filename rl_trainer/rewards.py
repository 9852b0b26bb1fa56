"""The reward of a run, part by part: what came of it, and what it cost."""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from agent.llm import Purpose
from rl_trainer.environment import RewardFn
from rl_trainer.errors import RecipeWrong
from rl_trainer.task import Task
from rl_trainer.trajectory import Trajectory

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class RunLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run is cut off. turns: T_max. tokens: sampled ones, L_max; 0 where there is no such limit."""

    turns: int
    tokens: int = 0


class TurnPenalty(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From `threshold` turns (L_thr) on the reward sinks, to -`weight` at T_max.

    free_tests: so many turns that ran tests are not counted. A penalty alone teaches agents not to test; leave room
    by this, or by a threshold above what reading, editing, testing and submitting take.
    """

    threshold: Count = 10
    free_tests: Count = 0
    weight: Annotated[float, msgspec.Meta(gt=0.0)] = 1.0


class TokenPenalty(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """DAPO's soft overlong punishment: from `longest` - `cache` sampled tokens on the reward sinks, to -1 at `longest`.

    longest: 0 takes the run's own limit.
    """

    longest: Count = 0
    cache: Annotated[int, msgspec.Meta(gt=0)] = 4096


class RewardSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """passed and wrong: for a task that is solved, and for one that is not (1 and 0 in the paper, 1 and -1 in DAPO).

    gave_up: for a run that said it gives up; it must lie from `wrong` to `passed`, and makes sense above `wrong`.
    verified: added where what was submitted had been tested. partial: times the share of the checks that pass, where
    not all do. turns, tokens: penalties; none unless given.
    """

    passed: float = 1.0
    wrong: float = 0.0
    gave_up: float = 0.0
    verified: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    partial: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    turns: TurnPenalty | None = None
    tokens: TokenPenalty | None = None


def reward_of(settings: RewardSettings, limits: RunLimits) -> RewardFn:
    """The settings' reward, as what a rollout asks.

    Raises:
        RecipeWrong: the numbers contradict each other; the message names them.
    """
    check(settings, limits)

    async def reward(trajectory: Trajectory, task: Task) -> Mapping[str, float]:
        return parts_of(trajectory, settings, limits)

    return reward


def parts_of(trajectory: Trajectory, settings: RewardSettings, limits: RunLimits) -> dict[str, float]:
    """Every part that is switched on, by name; their sum is R_final. Nothing for a run whose world failed."""
    if trajectory.infra:
        return {}
    parts = {"outcome": outcome(trajectory, settings)}
    if settings.partial:
        counts = not trajectory.passed and not _said(trajectory, "cheat") and not _said(trajectory, "gave_up")
        parts["partial"] = settings.partial * trajectory.share if counts else 0.0
    if settings.verified:
        parts["verified"] = settings.verified if tested_before_submit(trajectory) else 0.0
    if settings.turns is not None:
        parts["turns"] = turn_penalty(trajectory, settings.turns, limits.turns)
    if settings.tokens is not None:
        parts["tokens"] = token_penalty(
            trajectory.tokens, settings.tokens.longest or limits.tokens, settings.tokens.cache
        )
    return parts


def outcome(trajectory: Trajectory, settings: RewardSettings) -> float:
    """R(tau). A cheat is worth no more than a wrong solution, whatever its tests say; giving up has its own worth."""
    if _said(trajectory, "cheat"):
        return settings.wrong
    if _said(trajectory, "gave_up"):
        return settings.gave_up
    return settings.passed if trajectory.passed else settings.wrong


def turn_penalty(trajectory: Trajectory, settings: TurnPenalty, longest: int) -> float:
    """R_len = 0 below L_thr turns, (L_thr - turns) / (T_max - L_thr) from there on; times the weight.

    Source: arXiv 2508.03501, section on the reward. Turns are those in which the policy acted: what it wrote for its
    memory or its plans is no step in the world.
    """
    acted = sum(turn.purpose is Purpose.ACT for turn in trajectory.turns)
    turns = acted - min(settings.free_tests, int(trajectory.facts.get("tests", 0)))
    if turns < settings.threshold:
        return 0.0
    return settings.weight * max(-1.0, (settings.threshold - turns) / (longest - settings.threshold))


def token_penalty(tokens: int, longest: int, cache: int) -> float:
    """0 up to L_max - L_cache tokens, ((L_max - L_cache) - tokens) / L_cache up to L_max, -1 beyond.

    Source: DAPO (arXiv 2503.14476), soft overlong punishment.
    """
    return max(-1.0, min(0.0, (longest - cache - tokens) / cache))


def tested_before_submit(trajectory: Trajectory) -> bool:
    """Whether what was submitted had been tested since its last edit, as `facts` has it; a cheat was not."""
    return _said(trajectory, "tested_before_submit") and not _said(trajectory, "cheat")


def check(settings: RewardSettings, limits: RunLimits) -> None:
    """Raises: RecipeWrong: numbers that contradict each other."""
    if settings.wrong >= settings.passed:
        raise RecipeWrong(f"reward.wrong = {settings.wrong:g} must be below reward.passed = {settings.passed:g}")
    if not settings.wrong <= settings.gave_up < settings.passed:
        raise RecipeWrong(
            f"reward.gave_up = {settings.gave_up:g} must lie from reward.wrong = {settings.wrong:g} to below "
            f"reward.passed = {settings.passed:g}, or giving up pays more than trying"
        )
    if settings.partial + settings.verified >= settings.passed - settings.wrong:
        raise RecipeWrong(
            f"reward.partial + reward.verified = {settings.partial + settings.verified:g} makes a failure worth as "
            f"much as a solution; keep them below {settings.passed - settings.wrong:g} together"
        )
    if settings.turns is not None and settings.turns.threshold >= limits.turns:
        raise RecipeWrong(
            f"reward.turns.threshold = {settings.turns.threshold} never bites: runs are cut off at {limits.turns} turns"
        )
    if settings.tokens is not None:
        _check_tokens(settings.tokens, limits)


def _check_tokens(settings: TokenPenalty, limits: RunLimits) -> None:
    longest = settings.longest or limits.tokens
    if longest == 0:
        raise RecipeWrong("reward.tokens.longest is needed: runs have no limit of sampled tokens of their own")
    if settings.cache > longest:
        raise RecipeWrong(f"reward.tokens.cache = {settings.cache} is more than the longest run, {longest} tokens")


def _said(trajectory: Trajectory, fact: str) -> bool:
    return trajectory.facts.get(fact, 0.0) > 0
