"""What is asked for is written, whatever becomes of who asked; one that fails harms no other."""

import asyncio
import sys
from pathlib import Path

import pytest

from agent.checkpoints import open_checkpointer
from agent.errors import MissingExtra
from agent.event import Noted
from agent.store import SqlJournal, open_journal
from agent.store.database import Session
from agent.store.opening import open_tables
from agent.store.schema import RUNS

NOTE = [Noted(text="x")]


async def test_an_append_that_was_cancelled_is_written_and_those_after_it_come_after_it(tmp_path: Path) -> None:
    async with open_journal(f"sqlite:///{tmp_path / 'runs.db'}") as journal:
        asked = asyncio.create_task(journal.append("r", [Noted(text="cancelled")]))
        await asyncio.sleep(0)  # it begins here, and its answer cannot have come yet
        asked.cancel()
        await journal.append("r", [Noted(text="after")])
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert [each.event for each in await journal.events("r")] == [Noted(text="cancelled"), Noted(text="after")]


async def test_what_was_asked_for_is_written_before_it_closes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    async with open_journal(url) as journal:
        asked = [asyncio.create_task(journal.append(f"r{number % 7}", NOTE)) for number in range(300)]
        await asyncio.sleep(0)
    await asyncio.gather(*asked)
    async with open_journal(url) as journal:
        assert sum([len(await journal.events(f"r{number}")) for number in range(7)]) == 300


async def test_an_event_that_cannot_be_spelt_costs_nobody_else_anything(tmp_path: Path) -> None:
    async with open_journal(f"sqlite:///{tmp_path / 'runs.db'}") as journal:
        odd = Noted(text=object())  # type: ignore[arg-type]
        answers = await asyncio.gather(
            journal.append("a", NOTE), journal.append("b", [odd]), journal.append("c", NOTE), return_exceptions=True
        )
        assert isinstance(answers[1], TypeError)
        assert {record.id for record in await journal.runs()} == {"a", "c"}


async def test_an_operation_that_breaks_is_undone_alone_and_the_writer_goes_on(tmp_path: Path) -> None:
    def breaks(session: Session) -> None:
        session.run("INSERT INTO agent_lease VALUES ('r', 'o', 'h', 1e12)")
        raise ZeroDivisionError

    async with open_tables(f"sqlite:///{tmp_path / 'runs.db'}", RUNS) as (database, writer, reader):
        journal = SqlJournal(database, writer, reader)
        answers = await asyncio.gather(
            journal.append("a", NOTE), writer.do(breaks), journal.append("b", NOTE), return_exceptions=True
        )
        assert isinstance(answers[1], ZeroDivisionError)
        assert [each.seq for each in await journal.append("r", NOTE)] == [1], "its lease is still there"
        assert {record.id for record in await journal.runs()} == {"a", "b", "r"}


async def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "agent.store.postgres", None)
    with pytest.raises(MissingExtra, match=r"quartermaster\[postgres\]"):
        async with open_journal("postgresql://x/y"):
            pass


async def test_without_langgraph_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "agent.checkpoints.saver", None)
    with pytest.raises(MissingExtra, match=r"quartermaster\[agent\]"):
        async with open_checkpointer(None):
            pass
