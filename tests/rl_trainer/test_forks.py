"""Monte-Carlo values: real runs in the small world, gone on with from each of their turns."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec
import pytest

from agent.llm import Purpose
from rl_trainer.credit.settings import Segments
from rl_trainer.credit.statistics import mean
from rl_trainer.environment import World
from rl_trainer.environments.repairs.demonstrations import demonstrations
from rl_trainer.environments.repairs.episode import Episode
from rl_trainer.environments.repairs.expert import TURNS, NoisyExpert
from rl_trainer.environments.repairs.tasks import make_tasks
from rl_trainer.environments.repairs.world import RepairEnvironment
from rl_trainer.errors import ForkUnsupported, WorldFailed
from rl_trainer.forks import Forking, ForkSettings, value_turns, world_by_replay
from rl_trainer.recording import keyed_seed
from rl_trainer.trajectory import Group, Trajectory
from tests.rl_trainer.credit.conftest import a_group, credited, flat

TASK = make_tasks(0, specs=12, held_out=4).train[0]
EXPERT = NoisyExpert(share_right=0.5)


def a_real_group(members: int = 4) -> Group:
    (group,) = demonstrations([TASK], 0, 0.5, each=members)
    runs = tuple(msgspec.structs.replace(run, rewards={"outcome": float(run.passed)}) for run in group.trajectories)
    return msgspec.structs.replace(group, trajectories=runs)


async def go_on(trajectory: Trajectory, turn: int, world: World, *, seed: str) -> Trajectory:
    """The expert, from that turn on."""
    episode = Episode(TASK, turns=TURNS)
    episode.world, episode.prompt = world, list(trajectory.turns[turn].prompt)
    episode.turns = list(trajectory.turns[:turn])
    while not episode.done:
        episode.act(EXPERT.written(episode.prompt, keyed_seed(seed, len(episode.turns))))
    passed = (await world.grade()).passed
    return msgspec.structs.replace(trajectory, passed=passed, rewards={"outcome": float(passed)})


def forking(world_at=None, continue_from=go_on, **settings) -> Forking:
    at = world_at or world_by_replay(RepairEnvironment(), TASK)
    return Forking(settings=ForkSettings(**settings), world_at=at, continue_from=continue_from)


async def test_states_from_which_runs_succeed_are_worth_more() -> None:
    group = await value_turns(a_real_group(6), forking(continuations=8), seed="1")
    last = {run.passed: [] for run in group.trajectories}
    for run in group.trajectories:
        assert all(turn.value is not None and 0 <= turn.value <= 1 for turn in run.turns)
        last[run.passed].append(run.turns[-1].value)
    assert mean(last[True]) > mean(last[False])


async def test_the_first_turn_is_worth_what_the_siblings_came_to() -> None:
    group = await value_turns(a_real_group(), forking(continuations=1), seed="1")
    assert {run.turns[0].value for run in group.trajectories} == {mean(group.rewards)}


async def test_spo_works_on_what_was_valued_and_sums_to_the_reward_less_the_start() -> None:
    group = await value_turns(a_real_group(), forking(continuations=2, every=2), seed="1")
    advantages = flat(credited(group, Segments(every=2)).advantages)
    for run, changes in zip(group.trajectories, advantages, strict=True):
        assert sum(turn[0] for turn in changes[::2]) == pytest.approx(run.reward - mean(group.rewards))


async def test_values_depend_on_the_seed_and_not_on_who_is_faster() -> None:
    order: list[int] = []

    async def unsteady(trajectory: Trajectory, turn: int, world: World, *, seed: str) -> Trajectory:
        for _ in range(keyed_seed(len(order), seed) % 5):
            await asyncio.sleep(0)
        order.append(turn)
        return await go_on(trajectory, turn, world, seed=seed)

    plain = await value_turns(a_real_group(), forking(continuations=2, concurrency=1), seed="1")
    assert await value_turns(a_real_group(), forking(continue_from=unsteady, continuations=2), seed="1") == plain
    assert await value_turns(a_real_group(), forking(continuations=2), seed="2") != plain


async def test_no_more_continuations_are_at_work_than_are_allowed() -> None:
    at_work: list[int] = [0, 0]

    async def counted(trajectory: Trajectory, turn: int, world: World, *, seed: str) -> Trajectory:
        at_work[0] += 1
        at_work[1] = max(at_work)
        await asyncio.sleep(0)
        at_work[0] -= 1
        return await go_on(trajectory, turn, world, seed=seed)

    await value_turns(a_real_group(), forking(continue_from=counted, concurrency=3, continuations=1), seed="1")
    assert at_work == [0, 3]


async def test_a_world_that_breaks_is_tried_again_and_the_values_are_the_same() -> None:
    broken: set[str] = set()

    async def breaking(trajectory: Trajectory, turn: int, world: World, *, seed: str) -> Trajectory:
        if seed not in broken:
            broken.add(seed)
            raise WorldFailed("the container is gone")
        return await go_on(trajectory, turn, world, seed=seed)

    plain = await value_turns(a_real_group(2), forking(continuations=2), seed="1")
    assert await value_turns(a_real_group(2), forking(continue_from=breaking, continuations=2), seed="1") == plain


async def test_a_run_that_nothing_could_go_on_with_is_left_out_of_its_group() -> None:
    async def breaking(trajectory: Trajectory, turn: int, world: World, *, seed: str) -> Trajectory:
        if trajectory.member == 1:
            return msgspec.structs.replace(trajectory, infra="the container is gone")
        return await go_on(trajectory, turn, world, seed=seed)

    group = await value_turns(a_real_group(3), forking(continue_from=breaking, continuations=1), seed="1")
    assert [bool(run.infra) for run in group.trajectories] == [False, True, False]
    assert "the container is gone" in group.trajectories[1].infra
    assert all(not turn.any() for turn in credited(group, Segments()).advantages[1])


async def test_worlds_that_cannot_be_copied_say_so() -> None:
    class Uncopied:
        def fork(self):
            raise ForkUnsupported("this server's state cannot be copied")

    @asynccontextmanager
    async def at(trajectory: Trajectory, turn: int) -> AsyncGenerator[World]:
        yield Uncopied()

    with pytest.raises(ForkUnsupported, match="cannot be copied"):
        await value_turns(a_real_group(), forking(at), seed="1")


async def test_a_replayed_world_is_in_the_state_that_the_run_was_in() -> None:
    for run in a_real_group().trajectories:
        for place, turn in enumerate(run.turns):
            async with world_by_replay(RepairEnvironment(), TASK)(run, place) as world:
                assert world.state_key() == turn.state_key


async def test_an_environment_that_is_not_deterministic_is_found_out() -> None:
    run = a_real_group(1).trajectories[0]
    other = (msgspec.structs.replace(run.turns[0], state_key="another"), *run.turns[1:])
    with pytest.raises(WorldFailed, match="not deterministic"):
        async with world_by_replay(RepairEnvironment(), TASK)(msgspec.structs.replace(run, turns=other), 0):
            pass


async def test_for_memory_only_the_turns_after_what_was_written_for_it_are_valued() -> None:
    group = a_real_group(2)
    runs = group.trajectories
    turns = (msgspec.structs.replace(runs[0].turns[0], purpose=Purpose.SUMMARISE), *runs[0].turns[1:])
    group = msgspec.structs.replace(group, trajectories=(msgspec.structs.replace(runs[0], turns=turns), runs[1]))

    @asynccontextmanager
    async def anew(trajectory: Trajectory, turn: int) -> AsyncGenerator[World]:
        async with RepairEnvironment().open(TASK) as world:
            yield world

    found = await value_turns(group, forking(anew, at="memory", continuations=1), seed="1")
    valued = [[turn.value is not None for turn in run.turns] for run in found.trajectories]
    assert valued[0][:3] == [False, True, False]
    assert not any(valued[0][2:] + valued[1])


async def test_runs_of_one_turn_need_no_continuation() -> None:
    group = await value_turns(a_group(["a", "b"], [1, 0]), forking(), seed="1")
    assert [run.turns[0].value for run in group.trajectories] == [0.5, 0.5]


def test_a_field_without_effect_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="every has no effect"):
        msgspec.convert({"at": "memory", "every": 2}, ForkSettings)
