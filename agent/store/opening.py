"""`open_journal`: the journal of a URL, at its newest version."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from agent.errors import MissingExtra, StoreError
from agent.store.database import Database, Session
from agent.store.reader import Reader, open_reader
from agent.store.schema import RUNS, Schema
from agent.store.sql_journal import Clock, SqlJournal
from agent.store.sqlite import SqliteDatabase
from agent.store.writer import Writer, open_writer
from mcp_registry.database_url import parse_database_url, sqlite_url
from mcp_registry.errors import CatalogueError
from mcp_registry.home import Home


def journal_url(home: Home) -> str:
    """Where runs are kept: in the catalogue's PostgreSQL, if that is where it is; else in the file `runs.db`."""
    return beside_catalogue(home, "runs.db")


def beside_catalogue(home: Home, file: str) -> str:
    """The catalogue's PostgreSQL, or this file in the state folder."""
    url = home.database_url
    return sqlite_url(home.path / file) if url.startswith("sqlite") else url


@asynccontextmanager
async def open_journal(url: str, *, wait_s: float = 10.0, clock: Clock = time.time) -> AsyncGenerator[SqlJournal]:
    """The journal in `sqlite:///FILE` or `postgresql://...`; made where there is none.

    wait_s: how long to wait for another process's lock. All that was asked for is written when the block ends.

    Raises:
        StoreError: it cannot be opened, is not ours, or is newer than this code. MissingExtra: no PostgreSQL driver.
    """
    async with open_tables(url, RUNS, wait_s=wait_s) as (database, writer, reader):
        yield SqlJournal(database, writer, reader, clock=clock)


@asynccontextmanager
async def open_tables(
    url: str, schema: Schema, *, wait_s: float = 10.0
) -> AsyncGenerator[tuple[Database, Writer, Reader]]:
    """A database whose tables are as the schema says, with who writes and who reads them.

    Raises:
        StoreError, MissingExtra: as `open_journal`.
    """
    database = _database(url, wait_s, losable=schema.losable)
    await asyncio.to_thread(_make_ready, database, schema)
    async with open_reader(database) as reader, open_writer(database) as writer:
        yield database, writer, reader


def _database(url: str, wait_s: float, *, losable: bool) -> Database:
    try:
        address = parse_database_url(url)
    except CatalogueError as error:
        raise StoreError(str(error)) from None
    if address.file:
        return SqliteDatabase(address.file, wait_s=wait_s)
    try:
        from agent.store.postgres import PostgresDatabase
    except ImportError as error:
        raise MissingExtra("keeping runs in PostgreSQL", "postgres") from error
    return PostgresDatabase(address, wait_s=wait_s, losable=losable)


def _make_ready(database: Database, schema: Schema) -> None:
    try:
        database.prepare()
        connection = database.connect()
        try:
            session = Session(database, connection)
            if not schema.is_current(session):
                session.run(database.begin)
                schema.bring_up_to_date(session)
                session.run("COMMIT")
        finally:
            connection.close()
    except database.errors as error:
        raise database.explain(error) from None
