"""`Database`: an open database at the newest revision, and its transactions. The one place that knows the dialects."""

import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, inspect, select, text
from sqlalchemy.dialects import postgresql, sqlite

from mcp_registry import migrations
from mcp_registry.database_errors import explained
from mcp_registry.database_url import MISSING_PSYCOPG, DatabaseAddress, parse_database_url
from mcp_registry.errors import CatalogueError
from mcp_registry.tables import metadata, state

_MIGRATION_LOCK = 0x51554152  # any number, the same for every process: PostgreSQL's advisory locks have no names
_WORKING_PRAGMAS = ("foreign_keys = ON", "synchronous = NORMAL")
# SQLite alters a table by dropping it, which would take the rows that refer to it along.
_MIGRATING_PRAGMAS = ("journal_mode = WAL", "foreign_keys = OFF")


class Database:
    """Transactions over an open database, from any thread. One writer at a time, whichever database it is."""

    def __init__(self, engine: Engine, address: DatabaseAddress, *, wait_s: float) -> None:
        self._engine = engine
        self._writers = _beginning(engine, "IMMEDIATE")
        self._address = address
        self._wait_s = wait_s

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A transaction that only reads."""
        with explained(self._address), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def appending(self) -> Generator[Connection]:
        """A transaction that adds rows which nobody else changes; on PostgreSQL it waits for no other writer."""
        with explained(self._address), self._writers.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """The one transaction that may change servers, tools and offers; it waits for another for `wait_s` at most."""
        with self.appending() as connection:
            if connection.dialect.name == "postgresql":
                _limit_waiting(connection, self._wait_s)
                connection.execute(select(state.c.generation).with_for_update())
            yield connection


class Shelf:
    """One subject of the catalogue, over its database. Every method is one short transaction, safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database


@contextmanager
def open_database(url: str, *, wait_s: float) -> Generator[Database]:
    """The database of a URL, made where there is none (SQLite) and brought to the newest revision.

    Raises:
        CatalogueError: it cannot be opened, is not ours, or is newer than this code; says what to do.
    """
    address = parse_database_url(url)
    if address.file:
        _prepare_folder(address.file)
    engine = _make_engine(address, wait_s, _WORKING_PRAGMAS)
    try:
        with explained(address):
            if not _is_current(engine, address):
                _migrate(address, wait_s)
        yield Database(engine, address, wait_s=wait_s)
    finally:
        engine.dispose()


def upsert(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows, or replace those that are there by primary key."""
    values = [dict(row) for row in rows]
    if not values:
        return
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
    replaced = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
    connection.execute(insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=replaced), values)


def bump_generation(connection: Connection) -> int:
    """The next generation, stored. Only within `Database.writing`."""
    connection.execute(state.update().values(generation=state.c.generation + 1))
    return stored_generation(connection)


def stored_generation(connection: Connection) -> int:
    return connection.execute(select(state.c.generation)).scalar_one()


def _prepare_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogueError(
            f"the folder {file.parent} for the catalogue cannot be made or entered: {error.strerror}"
        ) from error
    blocked = [path for path in (file.parent, file) if path.exists() and not os.access(path, os.W_OK)]
    if blocked:
        raise CatalogueError(
            f"the catalogue in {file} cannot be written: give this user the right to write {blocked[0]}, "
            "or name another database"
        )


def _make_engine(address: DatabaseAddress, wait_s: float, pragmas: Iterable[str]) -> Engine:
    if address.file:
        return _make_sqlite_engine(address.file, wait_s, pragmas)
    return _make_postgres_engine(address)


def _make_sqlite_engine(file: Path, wait_s: float, pragmas: Iterable[str]) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        # Transactions begin where the listener below says so, not where sqlite3 guesses.
        connect_args={"timeout": wait_s, "isolation_level": None},
        max_overflow=-1,
    )

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _: object) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('sqlite_begin', 'DEFERRED')}")

    return engine


def _make_postgres_engine(address: DatabaseAddress) -> Engine:
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise CatalogueError(MISSING_PSYCOPG) from error
    try:
        arguments = conninfo_to_dict(**address.connect_arguments)
    except psycopg.ProgrammingError as error:
        said = address.without_secrets(str(error).strip())
        raise CatalogueError(f"the URL of {address.shown} cannot be read: {said}") from None
    return create_engine(
        "postgresql+psycopg://",
        connect_args=arguments,
        pool_size=5,
        max_overflow=15,
        pool_pre_ping=True,  # a server that was restarted is noticed here, not by a caller
    )


def _beginning(engine: Engine, mode: str) -> Engine:
    """The same engine for writers: SQLite must be told at BEGIN.

    A reader that turns writer fails at once when someone else has written in between, however long it would wait.
    """
    return engine.execution_options(sqlite_begin=mode)


def _limit_waiting(connection: Connection, wait_s: float) -> None:
    connection.execute(text(f"SET LOCAL lock_timeout = {int(wait_s * 1000)}"))


def _is_current(engine: Engine, address: DatabaseAddress) -> bool:
    """Whether nothing is to be migrated: plain SQL, because starting Alembic costs more than all of the rest."""
    if address.file and not address.file.exists():
        return False
    with engine.connect() as connection:
        if address.file and connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
            return False
        return _stored_revision(connection, address) == migrations.revisions()[-1]


def _stored_revision(connection: Connection, address: DatabaseAddress) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    stored = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if stored is not None and stored not in migrations.revisions():
        raise CatalogueError(
            f"{address.shown} was made by a newer Quartermaster, or by another program (its revision is {stored}; the "
            f"newest known here is {migrations.revisions()[-1]}): upgrade quartermaster, or name another database"
        )
    return stored


def _migrate(address: DatabaseAddress, wait_s: float) -> None:
    """Bring the database to the newest revision; of several processes at once one does it, and the others wait."""
    file = address.file
    engine = _make_engine(address, wait_s, _MIGRATING_PRAGMAS)
    try:
        with (
            FileLock(f"{file}.lock", timeout=wait_s) if file else nullcontext(),
            _beginning(engine, "EXCLUSIVE").begin() as connection,
        ):
            if not file:
                _limit_waiting(connection, wait_s)
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            stored = _stored_revision(connection, address)
            if stored is None:
                _check_vacant(connection, address)
            if stored != migrations.revisions()[-1]:  # another process may have been first
                migrations.upgrade(connection)
    except Timeout:
        raise CatalogueError(
            f"{address.shown} is being opened by another process, for more than {wait_s:g} s: try again; "
            f"when no other process runs, delete {file}.lock"
        ) from None
    except OSError as error:
        raise CatalogueError(f"{address.shown} cannot be locked for opening: {error}") from error
    finally:
        engine.dispose()


def _check_vacant(connection: Connection, address: DatabaseAddress) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if taken:
        raise CatalogueError(
            f"{address.shown} holds another program's tables ({', '.join(taken)}): name a database of its own"
        )
    if not address.file and connection.exec_driver_sql("SHOW server_encoding").scalar() != "UTF8":
        raise CatalogueError(f"{address.shown} is not in UTF-8: create it with ENCODING 'UTF8'")
