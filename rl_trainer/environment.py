"""`Environment` and `World`: what a task is opened in. A world hands out a toolbox, and is graded."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from agent.toolbox import Toolbox
from rl_trainer.task import Task
from rl_trainer.trajectory import Trajectory


class Grade(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the grader found. share: of the checks that had to pass. cheat: what was tried, if something was."""

    passed: bool
    share: float = 0.0
    cheat: str = ""
    detail: str = ""
    parts: dict[str, float] = {}


class World(Protocol):
    """An opened task; single-use."""

    @property
    def toolbox(self) -> Toolbox: ...

    @property
    def ends_with(self) -> tuple[str, ...]:
        """Ids of the tools whose success ends the run (`Options.ends_with`)."""
        ...

    def state_key(self) -> str:
        """A hash of what the agent could see and change: the same state gives the same key in every sibling."""
        ...

    def facts(self) -> Mapping[str, float]:
        """Counts of what was done so far: tests, edits, submitted, gave_up, and what else the world knows."""
        ...

    async def grade(self) -> Grade:
        """Whether the task is solved as things stand; may be asked at any time, and changes nothing.

        Raises:
            WorldFailed: the world broke (a wall-clock time-out, a lost container): try again, blame nobody.
        """
        ...

    def fork(self) -> AbstractAsyncContextManager["World"]:
        """Another world in the same state, for Monte-Carlo continuations.

        Raises:
            ForkUnsupported: this kind of world cannot be copied.
        """
        ...


class Environment(Protocol):
    """Opens tasks of one kind."""

    @property
    def name(self) -> str: ...

    def open(self, task: Task) -> AbstractAsyncContextManager[World]:
        """A fresh world for the task; everything that belongs to it is gone when the block is left."""
        ...


class RewardFn(Protocol):
    """Scores a finished run, part by part; a reward that raises stops training."""

    async def __call__(self, trajectory: Trajectory, task: Task) -> Mapping[str, float]: ...
