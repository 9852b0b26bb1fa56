"""Rollouts: the production agent's own loop, run on a task in a fresh world with a policy that records its tokens."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from agent.deps import Deps
from agent.errors import AgentError
from agent.journal import MemoryJournal
from agent.llm import LLM
from agent.message import Message
from agent.no_model import NoModel
from agent.options import Options, Status
from agent.run import Run, run_agent
from agent.testing import SimpleToolbox
from agent.toolbox import Toolbox
from rl_trainer.budgets import asked
from rl_trainer.environment import Environment, RewardFn, World
from rl_trainer.errors import WorldFailed
from rl_trainer.policy import Policy, Sampling
from rl_trainer.recording import Bounds, RecordingLLM, keyed_seed
from rl_trainer.renderer import Renderer
from rl_trainer.rollout_settings import RolloutSettings
from rl_trainer.task import Task
from rl_trainer.trajectory import Group, Trajectory, Turn

_OVER_LONG = {Status.OUT_OF_STEPS, Status.OUT_OF_TOKENS, Status.OUT_OF_TIME}

Told = Callable[[Trajectory], None]
"""Is told each run when it has ended, for progress bars."""


@dataclass(frozen=True, kw_only=True)
class Rig:
    """All that rollouts of one run of training share. `reward` scores a run when it has ended."""

    environments: dict[str, Environment]
    policy: Policy
    renderer: Renderer
    reward: RewardFn
    settings: RolloutSettings

    @property
    def sampling(self) -> Sampling:
        return Sampling(
            temperature=self.settings.temperature, max_tokens=self.settings.max_tokens, stop=self.renderer.stop
        )

    @cached_property
    def graph(self) -> Any:
        """LangGraph's graph, compiled once for all runs."""
        return Deps(llm=NoModel(), toolbox=SimpleToolbox([])).graph

    def deps(self, llm: LLM, toolbox: Toolbox) -> Deps:
        """What one run needs; its journal is its own."""
        return Deps(llm=llm, toolbox=toolbox, journal=MemoryJournal(), shared_graph=self.graph)

    @property
    def options(self) -> Options:
        """How the agent goes about it: one action at a time with all tools in sight, nobody to ask."""
        return Options(
            planner="react",
            equipment="all",
            memory="full",
            approve="all",
            guard_reads="off",
            max_steps=self.settings.turns,
            max_tokens=10**12,
            max_seconds=1e9,
            context_tokens=10**9,
            call_timeout_s=self.settings.call_timeout_s,
            wrong_actions=self.settings.wrong_actions,
        )


@dataclass(frozen=True, slots=True)
class Rolled:
    """A trajectory with what its continuations need: the run, and what was said to which messages."""

    trajectory: Trajectory
    run: Run | None = None
    said: tuple[tuple[tuple[Message, ...], Message], ...] = ()


async def roll_groups(
    tasks: Sequence[Task], rig: Rig, *, seed: str, iteration: int = 0, told: Told | None = None
) -> list[Group]:
    """`settings.group` runs of each task, `settings.concurrency` at once; groups in the order of the tasks.

    What comes out depends on the seed and the iteration, not on who was faster.
    """
    jobs = [(task, member) for task in tasks for member in range(rig.settings.group)]
    rolled = await roll_all(jobs, rig, seed=f"{seed}/{iteration}", told=told)
    size = rig.settings.group
    return [
        Group(
            task_id=task.id,
            trajectories=tuple(each.trajectory for each in rolled[place * size : (place + 1) * size]),
            iteration=iteration,
        )
        for place, task in enumerate(tasks)
    ]


async def roll_all(jobs: Sequence[tuple[Task, int]], rig: Rig, *, seed: str, told: Told | None = None) -> list[Rolled]:
    """Each (task, member) rolled out once; the results stand in the order of the jobs."""
    done: list[Rolled | None] = [None] * len(jobs)
    waiting = iter(enumerate(jobs))

    async def work() -> None:
        with _seat(rig.policy):
            for place, (task, member) in waiting:
                done[place] = rolled = await roll_one(task, member, rig, seed=seed)
                if told is not None:
                    told(rolled.trajectory)

    async with asyncio.TaskGroup() as workers:
        for _ in range(min(rig.settings.concurrency, len(jobs))):
            workers.create_task(work())
    return [each for each in done if each is not None]


async def roll_one(task: Task, member: int, rig: Rig, *, seed: str) -> Rolled:
    """One run. A world that broke is tried again from the beginning; after that the run counts for nothing."""
    environment = rig.environments[task.environment]
    failure = ""
    for _ in range(rig.settings.retries + 1):
        try:
            async with environment.open(task) as world:
                return await roll_in(world, task, member, rig, seed=f"{seed}/{task.id}/{member}")
        except WorldFailed as error:
            failure = str(error) or type(error).__name__
    lost = Trajectory(task_id=task.id, member=member, turns=(), kind=task.kind, status="failed", infra=failure)
    return Rolled(lost)


async def roll_in(world: World, task: Task, member: int, rig: Rig, *, seed: str) -> Rolled:
    """One run in a world that is open.

    Raises:
        WorldFailed: the world broke, or what is around the run.
    """
    started = time.monotonic()
    effort = None if rig.settings.effort is None else asked(member, rig.settings.effort)
    llm = RecordingLLM(
        rig.policy,
        rig.renderer,
        sampling=rig.sampling,
        seed=seed,
        bounds=Bounds(turns=rig.settings.turns, context=rig.settings.context),
        seen=_seen(world, rig.settings),
    )
    options = msgspec.structs.replace(rig.options, ends_with=world.ends_with, seed=keyed_seed(seed))
    deps = rig.deps(llm, world.toolbox)
    try:
        run = await run_agent(_goal(task, effort), deps, options=options, run_id=f"{task.id}#{member}")
    except AgentError as error:  # the policy cannot bring this about: something around the run is broken
        raise WorldFailed(f"the run of task {task.id!r} could not go on: {error}") from error
    grade = await world.grade()
    turns = [*llm.turns[:-1], msgspec.structs.replace(llm.turns[-1], score=grade.share)] if llm.turns else []
    asked_for = {} if effort is None else {"effort": effort}
    facts = {
        **asked_for,
        **world.facts(),
        **grade.parts,
        "rerendered": float(llm.rerendered),
        "cheat": float(bool(grade.cheat)),
    }
    trajectory = Trajectory(
        task_id=task.id,
        member=member,
        turns=tuple(turns),
        kind=task.kind,
        passed=grade.passed,
        share=grade.share,
        status=run.status.value,
        facts=facts,
        texts=tuple(rig.renderer.text(turn.completion) for turn in turns),
        observations=_observations(run, turns),
        run_id=f"{task.id}#{member}",
        seed=keyed_seed(seed),
        seconds=time.monotonic() - started,
        truncated=run.status in _OVER_LONG,
    )
    rewards = await rig.reward(trajectory, task)
    return Rolled(msgspec.structs.replace(trajectory, rewards=dict(rewards)), run, tuple(llm.said))


def _goal(task: Task, effort: float | None) -> str:
    """The goal, and how long the run may be where that is asked for."""
    if effort is None:
        return task.goal
    return f"{task.goal}\n\nEffort: {effort:.0%} of what such a task usually takes."


def _seen(world: World, settings: RolloutSettings) -> Callable[[], Awaitable[tuple[str, float | None]]]:
    """The state's key before a turn, and the share of hidden tests that pass, where the settings want it measured."""
    known: dict[str, float] = {}

    async def look() -> tuple[str, float | None]:
        key = world.state_key()
        if settings.checkpoints == "none":
            return key, None
        if key not in known or settings.checkpoints == "turns":
            known[key] = (await world.grade()).share
        return key, known[key]

    return look


def _observations(run: Run, turns: Sequence[Turn]) -> tuple[str, ...]:
    """What the agent was told after each turn; after a malformed one that it was, at the end why the run ended."""
    steps, reason = iter(run.state.steps), run.state.reason
    out: list[str] = []
    for turn in turns:
        step: Any = None if turn.malformed else next(steps, None)
        out.append(step.text if step is not None else "(no action could be read from this)" if turn.malformed else "")
    if out and reason and not out[-1]:
        out[-1] = f"({reason})"
    return tuple(out)


def _seat(policy: Policy) -> AbstractContextManager[None]:
    """A seat in the policy's lock step, where it has one."""
    seat: Any = getattr(policy, "seat", None)
    return nullcontext() if seat is None else seat()
