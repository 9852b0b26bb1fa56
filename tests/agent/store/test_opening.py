"""Opening the runs' database: made when missing, brought up to date, and refused with a reason when it is not ours."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.errors import StoreError
from agent.event import Noted, RunStarted
from agent.options import Options
from agent.store import journal_url, open_journal
from agent.store.schema import RUNS
from mcp_registry.home import Home

NOTE = [Noted(text="x")]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'runs.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


def _execute(url: str, *statements: str) -> None:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)
        return
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


async def test_any_number_may_open_a_new_database_at_the_same_time(url: str) -> None:
    async def one(name: str) -> None:
        async with open_journal(url) as journal:
            await journal.append(name, NOTE)

    await asyncio.gather(*(one(f"r{number}") for number in range(4)))
    async with open_journal(url) as journal:
        assert len(await journal.runs()) == 4


async def test_one_of_a_newer_version_is_refused(url: str) -> None:
    async with open_journal(url):
        pass
    _execute(url, f"UPDATE agent_schema SET version = {len(RUNS.steps) + 1}")
    with pytest.raises(StoreError, match=r"newer Quartermaster .*upgrade"):
        async with open_journal(url):
            pass


async def test_one_that_another_program_uses_is_left_alone(url: str) -> None:
    _execute(url, "CREATE TABLE agent_run (id TEXT)")
    with pytest.raises(StoreError, match=r"another program's tables \(agent_run\)"):
        async with open_journal(url):
            pass


async def test_it_lives_beside_tables_of_others(url: str) -> None:
    _execute(url, "CREATE TABLE server (name TEXT)")
    async with open_journal(url) as journal:
        await journal.append("r", NOTE)
    async with open_journal(url) as journal:
        assert len(await journal.events("r")) == 1


async def test_an_event_of_another_version_spoils_its_own_run_only(url: str) -> None:
    async with open_journal(url) as journal:
        await journal.append("good", [RunStarted(goal="g", options=Options())])
        await journal.append("newer", NOTE * 3)
        await journal.append("damaged", NOTE)
        _execute(
            url,
            """UPDATE agent_event SET event = '{"type":"teleported"}' WHERE run_id = 'newer' AND seq = 2""",
            "UPDATE agent_event SET event = '{nonsense' WHERE run_id = 'damaged'",
            "UPDATE agent_run SET status = 'teleporting' WHERE id = 'newer'",
        )
        assert {record.id for record in await journal.runs()} == {"good", "newer", "damaged"}
        assert len(await journal.events("good")) == 1
        with pytest.raises(StoreError, match=r"event 2 of run newer cannot be read .*another version"):
            await journal.events("newer")
        assert [each.seq for each in await journal.events("newer", after=2)] == [3]
        with pytest.raises(StoreError, match="event 1 of run damaged is damaged"):
            await journal.events("damaged")


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    file.write_text("no database, " * 100)
    with pytest.raises(StoreError, match=r"runs\.db is not a SQLite database"):
        async with open_journal(f"sqlite:///{file}"):
            pass


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StoreError, match="taken"):
        async with open_journal(f"sqlite:///{tmp_path / 'taken' / 'runs.db'}"):
            pass


@pytest.mark.parametrize("url", ["mysql://x/y", "runs.db", "postgresql://a:b@c@d/e"])
async def test_a_url_of_something_else_is_refused(url: str) -> None:
    with pytest.raises(StoreError):
        async with open_journal(url):
            pass


async def test_a_server_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        async with open_journal(f"postgresql://me:hush@/x?host={tmp_path}"):
            pass
    assert "hush" not in str(caught.value)


async def test_connections_that_the_server_has_ended_are_made_anew(postgres_url: str) -> None:
    async with open_journal(postgres_url) as journal:
        await journal.append("r", NOTE)
        await journal.events("r")
        _execute(
            postgres_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND datname = current_database()",
        )
        assert [each.seq for each in await journal.append("r", NOTE)] == [2]
        assert len(await journal.events("r")) == 2


async def test_what_is_deleted_makes_the_file_smaller(tmp_path: Path) -> None:
    async with open_journal(f"sqlite:///{tmp_path / 'runs.db'}") as journal:
        empty = await journal.size()
        for number in range(20):
            await journal.append(f"r{number}", [Noted(text="x" * 200_000)])
        full = await journal.size()
        assert full > 4_000_000
        assert len(await journal.prune(keep=1, unfinished=True)) == 19
        assert await journal.size() < empty + 600_000
        assert len(await journal.events("r19")) == 1


def test_runs_are_kept_where_the_catalogue_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert journal_url(Home(tmp_path)) == f"sqlite:///{tmp_path}/runs.db"
    monkeypatch.setenv("QUARTERMASTER_DATABASE_URL", "postgresql://me@db/tools")
    assert journal_url(Home(tmp_path)) == "postgresql://me@db/tools"
    monkeypatch.setenv("QUARTERMASTER_DATABASE_URL", "sqlite:////elsewhere/catalogue.db")
    assert journal_url(Home(tmp_path)) == f"sqlite:///{tmp_path}/runs.db"
