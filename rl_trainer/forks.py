"""Monte-Carlo values: others go on from a turn of a run; what they come to on average is what its state is worth."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

import msgspec

from agent.llm import Purpose
from rl_trainer.credit.memory_turns import MEMORY
from rl_trainer.credit.statistics import mean
from rl_trainer.environment import Environment, World
from rl_trainer.errors import ForkUnsupported, TrainerError, WorldFailed
from rl_trainer.task import Task
from rl_trainer.trajectory import Group, Trajectory, Turn

Count = Annotated[int, msgspec.Meta(ge=1)]


class ForkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """continuations: K, from each state. at: before every n-th turn (`every`), for spo; or after turns that wrote for
    the memory, for motif. retries: how often a continuation is tried again when its world broke."""

    continuations: Count = 4
    at: Literal["turns", "memory"] = "turns"
    every: Count = 1
    concurrency: Count = 16
    retries: Annotated[int, msgspec.Meta(ge=0)] = 2

    def __post_init__(self) -> None:
        if self.at == "memory" and self.every != 1:
            raise ValueError("forks: every has no effect with at = memory; every turn that wrote for it is valued")


class ContinueFrom(Protocol):
    """Goes on with a run in a world that is as it was before that turn, and returns the whole run, rewarded."""

    async def __call__(self, trajectory: Trajectory, turn: int, world: World, *, seed: str) -> Trajectory: ...


WorldAt = Callable[[Trajectory, int], AbstractAsyncContextManager[World]]
"""A world as it was before that turn of the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forking:
    """What values are found with. outcome: what a continuation came to."""

    settings: ForkSettings
    world_at: WorldAt
    continue_from: ContinueFrom
    outcome: Callable[[Trajectory], float] = lambda trajectory: trajectory.reward


@dataclass(frozen=True, slots=True)
class _Cut:
    member: int
    turn: int


async def value_turns(group: Group, forking: Forking, *, seed: str) -> Group:
    """The group with `Turn.value` where the settings want it: the mean outcome of K continuations from before the turn.

    The first turn costs nothing: the siblings themselves went on from there. The values depend on the seed, not on who
    was faster. A run none of whose continuations survived at some turn is left out of the group as one whose world
    failed.

    Raises:
        ForkUnsupported: this kind of world cannot be copied.
    """
    cuts = [
        _Cut(member, turn)
        for member, run in enumerate(group.trajectories)
        for turn in _cuts(run, forking.settings)
        if not run.infra
    ]
    found: dict[_Cut, float | WorldFailed] = {}
    waiting = iter(cuts)

    async def work() -> None:
        for cut in waiting:
            found[cut] = await _value(group.trajectories[cut.member], cut.turn, forking, seed)

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(forking.settings.concurrency, len(cuts))):
                workers.create_task(work())
    except* TrainerError as failures:
        failure = failures
    else:
        return _valued(group, found, forking)
    raise _first(failure)


def world_by_replay(environment: Environment, task: Task, *, timeout_s: float = 120.0) -> WorldAt:
    """Worlds at a turn, by doing again in a fresh one what the run had done; needs no fork to have been kept.

    Raises, when entered:
        WorldFailed: the same actions led to another state: the environment is not deterministic.
    """

    @asynccontextmanager
    async def at(trajectory: Trajectory, turn: int) -> AsyncGenerator[World]:
        async with environment.open(task) as world:
            await replay(world, trajectory.turns[:turn], timeout_s=timeout_s)
            expected = trajectory.turns[turn].state_key
            if expected and world.state_key() != expected:
                raise WorldFailed(
                    f"the first {turn} turns of run {trajectory.member} on task {task.id!r}, done again, lead to "
                    "another state: an environment that is not deterministic must keep forks of its worlds"
                )
            yield world

    return at


async def replay(world: World, turns: Sequence[Turn], *, timeout_s: float = 120.0) -> None:
    """Do the actions of these turns; what was malformed or no action of the world was not done then, either."""
    tools = await world.toolbox.tools()
    for place, turn in enumerate(turns):
        if turn.malformed or turn.purpose is not Purpose.ACT:
            continue
        for number, (name, arguments) in enumerate(_calls(turn.action)):
            if (tool := tools.get(name)) is not None:
                await world.toolbox.call(tool, arguments, key=f"replay {place}.{number}", timeout_s=timeout_s)


def _calls(action: str) -> list[tuple[str, dict[str, Any]]]:
    """The calls of an action's canonical text; none where it is only text."""
    out: list[tuple[str, dict[str, Any]]] = []
    for line in action.splitlines():
        name, _, text = line.partition(" ")
        try:
            arguments = json.loads(text)
        except ValueError:
            return []
        if not isinstance(arguments, dict):
            return []
        out.append((name, arguments))
    return out


def _cuts(run: Trajectory, settings: ForkSettings) -> list[int]:
    """The turns to be valued by continuations."""
    later = range(1, len(run.turns))
    if settings.at == "memory":
        return [turn for turn in later if run.turns[turn - 1].purpose in MEMORY]
    return [turn for turn in later if turn % settings.every == 0]


async def _value(run: Trajectory, turn: int, forking: Forking, seed: str) -> float | WorldFailed:
    """The mean outcome of the continuations that survived; why not, where none did."""
    seeds = [f"{seed}/{run.task_id}/{run.member}/{turn}/{number}" for number in range(forking.settings.continuations)]
    outcomes: dict[str, float] = {}
    failure = WorldFailed("no continuation survived")
    for _ in range(forking.settings.retries + 1):
        try:
            async with forking.world_at(run, turn) as base:
                for each in seeds:
                    if each not in outcomes:
                        outcomes[each] = await _outcome(run, turn, base, forking, each)
                break
        except ForkUnsupported:
            raise
        except WorldFailed as error:
            failure = error
    return mean(list(outcomes.values())) if outcomes else failure


async def _outcome(run: Trajectory, turn: int, base: World, forking: Forking, seed: str) -> float:
    async with base.fork() as world:
        gone_on = await forking.continue_from(run, turn, world, seed=seed)
    if gone_on.infra:
        raise WorldFailed(gone_on.infra)
    return forking.outcome(gone_on)


def _valued(group: Group, found: dict[_Cut, float | WorldFailed], forking: Forking) -> Group:
    start = mean([forking.outcome(run) for run in group.trajectories if not run.infra])
    runs: list[Trajectory] = []
    for member, run in enumerate(group.trajectories):
        values = {cut.turn: value for cut, value in found.items() if cut.member == member}
        lost = [turn for turn, value in sorted(values.items()) if isinstance(value, WorldFailed)]
        if lost:
            why = f"nothing could be continued from before turn {lost[0]}: {values[lost[0]]}"
            runs.append(msgspec.structs.replace(run, infra=why, rewards={}))
            continue
        if not run.infra and run.turns and forking.settings.at == "turns":
            values[0] = start
        turns = tuple(
            msgspec.structs.replace(turn, value=values[place]) if place in values else turn
            for place, turn in enumerate(run.turns)
        )
        runs.append(msgspec.structs.replace(run, turns=turns))
    return msgspec.structs.replace(group, trajectories=tuple(runs))


def _first(failures: BaseExceptionGroup[TrainerError]) -> TrainerError:
    """One of several failures, for whoever started this to read."""
    found: TrainerError | BaseExceptionGroup[TrainerError] = failures
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
