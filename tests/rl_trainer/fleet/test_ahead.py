"""Rollouts beside a trainer: an engine with versions, tasks that take their time, and groups that grow old."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_trainer.errors import EngineFailed
from rl_trainer.fleet.ahead import open_ahead
from rl_trainer.fleet.backlog import AheadSettings, Backlog
from rl_trainer.fleet.staleness import oldest_version, staleness
from rl_trainer.policies.continuing import Continuing
from rl_trainer.policy import Sampling, Written
from rl_trainer.trajectory import Group, Trajectory, Turn


def group_of(task: str, *versions: int) -> Group:
    """A group of one run, with a token of each version."""
    many = len(versions)
    turn = Turn(prompt=(1,), completion=(2,) * many, logprobs=(-1.0,) * many, versions=versions)
    return Group(task_id=task, trajectories=(Trajectory(task_id=task, member=0, turns=(turn,) if many else ()),))


class Rolling:
    """Rolls jobs out with the backlog's version. A job waits for its gate, where it has one."""

    def __init__(self, backlog: Backlog) -> None:
        self.backlog = backlog
        self.begun: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    async def roll(self, job: str) -> Group:
        self.begun.append(job)
        version = self.backlog.version
        await self.gates.get(job, _open()).wait()
        return group_of(job, version)


def _open() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


async def settled() -> None:
    """All that can go on by itself has done so."""
    for _ in range(50):
        await asyncio.sleep(0)


def endless() -> Iterator[str]:
    return (f"t{number}" for number in range(10_000))


def names(groups: list[Group]) -> list[str]:
    return [group.task_id for group in groups]


async def test_rollouts_run_ahead_by_so_many_versions_and_then_wait() -> None:
    backlog = Backlog(groups=2, ahead=AheadSettings(versions=1))
    rolling = Rolling(backlog)
    async with open_ahead(endless(), rolling.roll, backlog, lanes=8):
        await settled()
        assert len(rolling.begun) == 4
        assert names(await backlog.take(2)) == ["t0", "t1"]
        await settled()
        assert len(rolling.begun) == 4  # what was taken is being learnt from: with old weights no more is begun
        await backlog.advance(1)
        await settled()
        assert len(rolling.begun) == 6
        assert backlog.waiting == 4


async def test_without_running_ahead_both_take_turns() -> None:
    backlog = Backlog(groups=3, ahead=AheadSettings(versions=0))
    rolling = Rolling(backlog)
    async with open_ahead(endless(), rolling.roll, backlog, lanes=8):
        for version in range(1, 4):
            groups = await backlog.take(3)
            assert [staleness(group, backlog.version) for group in groups] == [0, 0, 0]
            await settled()
            assert len(rolling.begun) == 3 * version
            await backlog.advance(version)
    assert backlog.dropped == 0


async def test_no_group_is_learnt_from_that_is_older_than_the_bound() -> None:
    backlog = Backlog(groups=2, ahead=AheadSettings(versions=2))
    rolling = Rolling(backlog)
    rolling.gates["t0"] = asyncio.Event()
    seen: list[int] = []
    async with open_ahead(endless(), rolling.roll, backlog, lanes=4):
        for version in range(1, 8):
            if version == 4:  # by now it is three versions old
                rolling.gates["t0"].set()
                await settled()
            seen += [staleness(group, backlog.version) for group in await backlog.take(2)]
            await backlog.advance(version)
    assert max(seen) <= 2
    assert backlog.dropped == 1


async def test_groups_that_teach_nothing_are_replaced_within_the_version() -> None:
    backlog = Backlog(groups=2, ahead=AheadSettings(versions=0))
    rolling = Rolling(backlog)
    async with open_ahead(endless(), rolling.roll, backlog, lanes=4):
        assert names(await backlog.take(2)) == ["t0", "t1"]
        await backlog.discard(1)
        assert names(await backlog.take(1)) == ["t2"]


async def test_when_the_jobs_are_at_their_end_what_there_is_comes() -> None:
    backlog = Backlog(groups=2)
    rolling = Rolling(backlog)
    async with open_ahead(["a", "b", "c"], rolling.roll, backlog, lanes=2):
        assert sorted(names(await backlog.take(2))) == ["a", "b"]
        await backlog.advance(1)
        assert names(await backlog.take(2)) == ["c"]
        assert await backlog.take(2) == []


async def test_a_rollout_that_fails_is_told_where_groups_are_taken() -> None:
    backlog = Backlog(groups=2)

    async def fail(job: str) -> Group:
        raise EngineFailed("the engine is gone")

    async with open_ahead(endless(), fail, backlog, lanes=2):
        with pytest.raises(EngineFailed, match="gone"):
            await backlog.take(1)


async def test_rollouts_end_with_the_block() -> None:
    backlog = Backlog(groups=2)
    rolling = Rolling(backlog)
    rolling.gates["t0"] = asyncio.Event()
    before = asyncio.all_tasks()
    async with open_ahead(endless(), rolling.roll, backlog, lanes=2):
        await settled()
    assert asyncio.all_tasks() == before


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(0, 12))
def test_staleness_counts_from_the_oldest_token(versions: list[int], now: int) -> None:
    group = group_of("t", *versions)
    assert oldest_version(group) == min(versions, default=None)
    assert staleness(group, now) == (max(0, now - min(versions)) if versions else 0)


class Cutting:
    """Writes the numbers from the prompt's last on, and is cut off after every second one while `cuts` lasts."""

    id = "cutting"

    def __init__(self, cuts: int) -> None:
        self.version, self.cuts = 0, cuts
        self.asked: list[tuple[tuple[int, ...], int, int]] = []

    async def complete(self, prompt: tuple[int, ...], *, sampling: Sampling, seed: int) -> Written:
        self.asked.append((tuple(prompt), sampling.max_tokens, seed))
        cut = len(self.asked) <= self.cuts
        many = min(2, sampling.max_tokens) if cut else sampling.max_tokens
        version = self.version
        self.version += 1
        return Written(
            ids=tuple(prompt[-1] + 1 + place for place in range(many)),
            logprobs=(-0.5,) * many,
            finish="aborted" if cut else "length",
            version=version,
        )

    async def effective(self) -> Sampling:
        return Sampling()


async def test_a_completion_that_is_cut_off_goes_on_behind_its_own_ids() -> None:
    policy = Cutting(cuts=2)
    answer = await Continuing(policy).complete((1, 2), sampling=Sampling(max_tokens=7), seed=5)
    assert answer.ids == (3, 4, 5, 6, 7, 8, 9)
    assert answer.versions == (0, 0, 1, 1, 2, 2, 2)
    assert (answer.version, answer.finish, len(answer.logprobs)) == (0, "length", 7)
    assert [(prompt, left) for prompt, left, _ in policy.asked] == [
        ((1, 2), 7),
        ((1, 2, 3, 4), 5),
        ((1, 2, 3, 4, 5, 6), 3),
    ]
    assert len({seed for _, _, seed in policy.asked}) == 3


async def test_a_completion_that_is_cut_off_at_its_last_token_is_whole() -> None:
    answer = await Continuing(Cutting(cuts=1)).complete((1,), sampling=Sampling(max_tokens=2), seed=5)
    assert (answer.ids, answer.finish, answer.versions) == ((2, 3), "length", ())


async def test_an_engine_that_ends_whatever_it_begins_is_told() -> None:
    with pytest.raises(EngineFailed, match="cut off 64 times"):
        await Continuing(Cutting(cuts=1_000)).complete((1,), sampling=Sampling(max_tokens=1_000), seed=5)


def test_groups_travel_as_bytes() -> None:
    group = group_of("t", 0, 1)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(group), type=Group) == group
