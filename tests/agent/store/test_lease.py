"""One process at a time works on a run; what another has taken over is not written to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from agent.errors import StoreError
from agent.event import Noted
from agent.store import SqlJournal, open_journal
from agent.store.lease import Lease, is_gone, this_process

NOTE = [Noted(text="x")]


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
async def two(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock
) -> AsyncIterator[tuple[SqlJournal, SqlJournal]]:
    """Two journals over one database, as two processes have them."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'runs.db'}" if sqlite else request.getfixturevalue("postgres_url")
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(open_journal(url, clock=clock))
        other = await stack.enter_async_context(open_journal(url, clock=clock))
        yield one, other


async def test_nobody_else_leases_appends_or_deletes(two: tuple[SqlJournal, SqlJournal]) -> None:
    one, other = two
    async with one.lease("r"):
        await one.append("r", NOTE)
        with pytest.raises(StoreError, match=r"r is being worked on by another process \(process \d+ on .+\)"):
            await other.append("r", NOTE)
        with pytest.raises(StoreError, match="worked on"):
            async with other.lease("r"):
                pass
        with pytest.raises(StoreError, match="worked on"):
            await other.delete_run("r")
    assert [each.seq for each in await other.append("r", NOTE)] == [2]


async def test_of_two_at_the_same_time_one_gets_it(two: tuple[SqlJournal, SqlJournal]) -> None:
    async def leased(journal: SqlJournal, done: asyncio.Barrier) -> bool:
        try:
            async with journal.lease("r"):
                await done.wait()
                return True
        except StoreError:
            await done.wait()
            return False

    done = asyncio.Barrier(2)
    assert sorted(await asyncio.gather(*(leased(journal, done) for journal in two))) == [False, True]


async def test_a_refused_append_costs_those_beside_it_nothing(two: tuple[SqlJournal, SqlJournal]) -> None:
    one, other = two
    async with one.lease("r"):
        answers = await asyncio.gather(
            *(other.append(name, NOTE) for name in ("a", "r", "b", "r", "c")), return_exceptions=True
        )
    assert [isinstance(answer, StoreError) for answer in answers] == [False, True, False, True, False]
    assert {record.id for record in await other.runs()} == {"a", "b", "c"}


async def test_a_lease_that_is_not_renewed_may_be_taken_over(two: tuple[SqlJournal, SqlJournal], clock: Clock) -> None:
    one, other = two
    async with one.lease("r", seconds=30):
        await one.append("r", NOTE)
        clock.now += 31
        async with other.lease("r", seconds=30):
            await other.append("r", NOTE)
            with pytest.raises(StoreError, match="taken over"):
                await one.append("r", NOTE)
        with pytest.raises(StoreError, match="taken over"):
            await one.append("r", NOTE)
    assert len(await one.events("r")) == 2


async def test_an_overdue_lease_that_nobody_took_still_holds(two: tuple[SqlJournal, SqlJournal], clock: Clock) -> None:
    one, _ = two
    async with one.lease("r", seconds=30):
        clock.now += 31
        assert await one.append("r", NOTE)


async def test_it_is_renewed_behind_the_blocks_back(two: tuple[SqlJournal, SqlJournal], clock: Clock) -> None:
    one, other = two
    async with one.lease("r", seconds=0.03):
        clock.now += 100
        async with asyncio.timeout(20):
            while True:
                try:
                    async with other.lease("free"):
                        await other.append("r", NOTE)
                except StoreError:
                    break


async def test_a_run_is_abandoned_when_its_lease_has_ended(two: tuple[SqlJournal, SqlJournal], clock: Clock) -> None:
    one, other = two
    async with one.lease("r", seconds=30):
        await one.append("r", NOTE)
        assert await other.abandoned() == []
        clock.now += 31
        assert [record.id for record in await other.abandoned()] == ["r"]


def test_this_process_is_not_gone_and_one_of_another_machine_is_not_known_to_be() -> None:
    assert not is_gone(this_process())
    assert not is_gone("elsewhere 1 5 other-boot/pid:[1]")
    assert not is_gone("nonsense")


def test_a_process_number_that_another_has_now_is_not_the_holder() -> None:
    node, pid, _, place = this_process().split(" ")
    assert is_gone(f"{node} {pid} 12345 {place}") == (place != "-")
    assert Lease("o", f"{node} {pid} 12345 {place}", until=10.0).ended(now=11.0)
