"""What every `Journal` promises, in memory, over SQLite and over PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent import event as kinds
from agent.call import Call, Outcome
from agent.errors import StoreError
from agent.journal import Journal, MemoryJournal
from agent.llm import Purpose
from agent.options import Options, Status
from agent.state import fold
from agent.store import open_journal
from agent.usage import Usage

Opening = Callable[[], AbstractAsyncContextManager[Journal]]
START = kinds.RunStarted(goal="count the stars", options=Options())
ODD = "tail \0 \ud800 \U0001f40b \\u0000 \\ % ? %s '; DROP TABLE agent_run; --"


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Opening:
    """Opens the same journal each time, empty at first."""
    if request.param == "memory":
        memory = MemoryJournal()

        @asynccontextmanager
        async def kept() -> AsyncIterator[Journal]:
            yield memory

        return kept
    url = f"sqlite:///{tmp_path / 'runs.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    return lambda: open_journal(url)


@pytest.fixture
async def journal(opening: Opening) -> AsyncIterator[Journal]:
    async with opening() as opened:
        yield opened


def _sampled(tokens: int, cost: float) -> kinds.Sampled:
    usage = Usage(calls=1, encoded=tokens, cost=cost)
    return kinds.Sampled(purpose=Purpose.ACT, model="m", usage=usage, texts=("x",))


async def test_events_come_back_in_their_order_numbered_from_one(journal: Journal) -> None:
    first = await journal.append("r", [START, kinds.Noted(text="a")])
    second = await journal.append("r", [kinds.Noted(text="b")])
    assert [each.seq for each in first + second] == [1, 2, 3]
    assert await journal.events("r") == first + second
    assert [each.event for each in await journal.events("r", after=1)] == [kinds.Noted(text="a"), kinds.Noted(text="b")]


async def test_a_run_that_does_not_exist_has_no_events_and_no_record(journal: Journal) -> None:
    await journal.append("r", [START])
    assert await journal.events("other") == []
    assert await journal.run("other") is None


async def test_appending_nothing_makes_no_run(journal: Journal) -> None:
    assert await journal.append("r", []) == []
    assert await journal.run("r") is None


async def test_the_record_follows_the_events(journal: Journal) -> None:
    await journal.append("r", [START, _sampled(10, 0.5), _sampled(5, 0.25)])
    await journal.append("r", [kinds.Answered(text="many"), kinds.StatusChanged(status=Status.DONE)])
    record = await journal.run("r")
    assert record is not None
    assert (record.goal, record.status, record.answer) == ("count the stars", Status.DONE, "many")
    assert (record.tokens, record.cost) == (15, 0.75)
    events = await journal.events("r")
    assert (record.created_at, record.updated_at) == (events[0].at, events[-1].at)


async def test_a_fork_names_its_parent_and_runs_again(journal: Journal) -> None:
    ended = [START, kinds.Answered(text="many"), kinds.StatusChanged(status=Status.DONE)]
    await journal.append("child", [*ended, kinds.Forked(parent="r", at=3)])
    record = await journal.run("child")
    assert record is not None
    assert (record.parent, record.status, record.answer) == ("r", Status.RUNNING, None)


async def test_the_newest_runs_come_first_and_may_be_of_one_status(journal: Journal) -> None:
    for name in ("a", "b", "c"):
        await journal.append(name, [START])
    await journal.append("b", [kinds.StatusChanged(status=Status.WAITING)])
    assert [record.id for record in await journal.runs()] == ["c", "b", "a"]
    assert [record.id for record in await journal.runs(limit=2)] == ["c", "b"]
    assert [record.id for record in await journal.runs(status=Status.WAITING)] == ["b"]
    assert await journal.runs(status=Status.FAILED) == []


async def test_any_text_comes_back_as_it_was(journal: Journal) -> None:
    call = Call(id="c", tool_id="s/t", arguments={ODD: [ODD, 1, None, 2.5]})
    events = [
        kinds.RunStarted(goal=ODD, options=Options()),
        kinds.Acting(calls=(call,)),
        kinds.CallSettled(call_id="c", outcome=Outcome.SUCCEEDED, text=ODD, structured={"k": [ODD]}),
        kinds.Answered(text=ODD),
    ]
    await journal.append(ODD, events)
    assert [each.event for each in await journal.events(ODD)] == events
    record = await journal.run(ODD)
    assert record is not None
    assert (record.goal, record.answer) == (ODD, ODD)


async def test_a_result_of_eight_megabytes_is_kept(journal: Journal) -> None:
    text = "0123456789abcdef" * (512 * 1024)
    await journal.append("r", [START, kinds.CallSettled(call_id="c", outcome=Outcome.SUCCEEDED, text=text)])
    kept = (await journal.events("r", after=1))[0].event
    assert isinstance(kept, kinds.CallSettled)
    assert kept.text == text


async def test_many_runs_append_at_the_same_time_without_gaps(journal: Journal) -> None:
    async def one(name: str) -> None:
        await journal.append(name, [START])
        for number in range(5):
            await journal.append(name, [kinds.Noted(text=f"{name} {number}")])

    names = [f"r{number}" for number in range(40)]
    await asyncio.gather(*(one(name) for name in names))
    for name in names:
        events = await journal.events(name)
        assert [each.seq for each in events] == [1, 2, 3, 4, 5, 6]
        assert fold(each.event for each in events).notes == tuple(f"{name} {number}" for number in range(5))


async def test_appends_of_one_run_at_the_same_time_leave_no_gap(journal: Journal) -> None:
    await asyncio.gather(*(journal.append("r", [kinds.Noted(text=str(number))] * 3) for number in range(20)))
    events = await journal.events("r")
    assert [each.seq for each in events] == list(range(1, 61))
    texts = [each.event.text for each in events if isinstance(each.event, kinds.Noted)]
    assert all(texts[at] == texts[at + 1] == texts[at + 2] for at in range(0, 60, 3))


async def test_it_is_all_there_when_it_is_opened_again(opening: Opening) -> None:
    async with opening() as journal:
        await journal.append("r", [START, kinds.Noted(text="a")])
        before = await journal.run("r"), await journal.events("r")
    async with opening() as journal:
        assert (await journal.run("r"), await journal.events("r")) == before
        assert [each.seq for each in await journal.append("r", [kinds.Noted(text="b")])] == [3]


async def test_a_leased_run_is_leased_to_one(journal: Journal) -> None:
    async with journal.lease("r"):
        await journal.append("r", [START])
        with pytest.raises(StoreError, match="r is being worked on"):
            async with journal.lease("r"):
                pass
        async with journal.lease("other"):
            pass
        assert [each.seq for each in await journal.append("r", [kinds.Noted(text="still mine")])] == [2]
    async with journal.lease("r"):
        pass


async def test_a_lease_ends_with_its_block_however_that_ends(journal: Journal) -> None:
    with pytest.raises(LookupError):
        async with journal.lease("r"):
            raise LookupError
    async with journal.lease("r"):
        pass


async def test_a_deleted_run_is_gone_and_its_name_is_free(journal: Journal) -> None:
    await journal.append("r", [START, kinds.Noted(text="a")])
    await journal.append("other", [START])
    assert await journal.delete_run("r")
    assert not await journal.delete_run("r")
    assert (await journal.run("r"), await journal.events("r")) == (None, [])
    assert [record.id for record in await journal.runs()] == ["other"]
    assert [each.seq for each in await journal.append("r", [START])] == [1]


async def test_a_run_that_is_worked_on_is_not_deleted(journal: Journal) -> None:
    async with journal.lease("r"):
        await journal.append("r", [START, kinds.StatusChanged(status=Status.DONE)])
        assert await journal.prune() == []
    assert await journal.prune() == ["r"]


async def test_pruning_keeps_the_newest_the_young_and_what_could_go_on(journal: Journal) -> None:
    for name, status in (("a", "done"), ("b", "waiting"), ("c", "failed"), ("d", "interrupted"), ("e", "done")):
        await journal.append(name, [START, kinds.StatusChanged(status=Status(status))])
    assert await journal.prune(older_than_days=1) == []
    assert await journal.prune(keep=1) == ["a", "c"]
    assert [record.id for record in await journal.runs()] == ["e", "d", "b"]
    assert await journal.prune(keep=1, unfinished=True) == ["b", "d"]
    assert await journal.events("b") == []
    assert [record.id for record in await journal.runs()] == ["e"]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.lists(st.text(max_size=20), max_size=4), min_size=1, max_size=6))
async def test_however_they_are_cut_the_events_are_the_same(journal: Journal, parts: list[list[str]]) -> None:
    run = uuid4().hex
    for part in parts:
        await journal.append(run, [kinds.Noted(text=text) for text in part])
    flat = [text for part in parts for text in part]
    assert [each.event for each in await journal.events(run)] == [kinds.Noted(text=text) for text in flat]
