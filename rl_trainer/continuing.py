"""Continuations: a run is brought back to one of its turns, and goes on from there in another way."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec

from rl_trainer.environment import World
from rl_trainer.errors import WorldFailed
from rl_trainer.forks import Forking, ForkSettings, value_turns
from rl_trainer.policy import Policy, Sampling, Written
from rl_trainer.rollout import Rig, roll_in
from rl_trainer.task import Task
from rl_trainer.trajectory import Group, Trajectory, Turn


class RetracingPolicy:
    """Says what was said in these turns, and after them whatever the policy says.

    Raises, when asked:
        WorldFailed: the prompt is not the one that the turn answered, so the world is not deterministic.
    """

    def __init__(self, policy: Policy, turns: Sequence[Turn]) -> None:
        self._policy, self._turns, self._at = policy, turns, 0

    @property
    def id(self) -> str:
        return self._policy.id

    @property
    def version(self) -> int:
        return self._policy.version

    async def complete(self, prompt: Sequence[int], *, sampling: Sampling, seed: int) -> Written:
        if self._at >= len(self._turns):
            return await self._policy.complete(prompt, sampling=sampling, seed=seed)
        turn, self._at = self._turns[self._at], self._at + 1
        if tuple(prompt) != turn.prompt:
            raise WorldFailed(
                f"turn {self._at} got another prompt when its run was retraced: the world gives other answers to the "
                "same calls, so there is no way back to a turn; choose a credit that needs no continuations"
            )
        return Written(
            ids=turn.completion,
            logprobs=turn.logprobs,
            entropies=turn.entropies,
            finish=turn.finish,
            version=turn.version,
            versions=turn.versions,
        )

    async def effective(self) -> Sampling:
        return await self._policy.effective()


def forking_of(rig: Rig, task: Task, settings: ForkSettings) -> Forking:
    """Continuations in fresh worlds, in which the agent first does again what it had done."""

    @asynccontextmanager
    async def fresh(trajectory: Trajectory, turn: int) -> AsyncGenerator[World]:
        del trajectory, turn  # the run itself leads there
        async with rig.environments[task.environment].open(task) as world:
            yield world

    async def go_on(trajectory: Trajectory, turn: int, world: World, *, seed: str) -> Trajectory:
        policy = RetracingPolicy(rig.policy, trajectory.turns[:turn])
        plain = msgspec.structs.replace(rig.settings, forks=None, checkpoints="none")
        retracing = replace(rig, policy=policy, settings=plain)
        return (await roll_in(world, task, trajectory.member, retracing, seed=seed)).trajectory

    return Forking(settings=settings, world_at=fresh, continue_from=go_on)


async def valued(groups: Sequence[Group], tasks: Sequence[Task], rig: Rig, *, seed: str) -> tuple[list[Group], int]:
    """The groups with the values of their turns, where the settings ask for continuations; and how many were made."""
    settings = rig.settings.forks
    if settings is None:
        return list(groups), 0
    by_id = {task.id: task for task in tasks}
    out = [await value_turns(group, forking_of(rig, by_id[group.task_id], settings), seed=seed) for group in groups]
    turns = [turn for group in out for each in group.trajectories for turn in each.turns[1:]]
    return out, settings.continuations * sum(turn.value is not None for turn in turns)
