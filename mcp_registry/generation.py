"""`read_generation`: how new the catalogue is, without opening it (which costs up to a second)."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from mcp_registry.database_url import MISSING_PSYCOPG, DatabaseAddress, parse_database_url
from mcp_registry.errors import CatalogueError

_QUERY = "SELECT generation FROM state"


def read_generation(url: str) -> int | None:
    """The catalogue's generation; None while the database, or the catalogue in it, does not exist yet.

    Two readings that are equal mean that no tool and no card has changed in between. Numbers of two databases do not
    coincide: each starts at the time when it was made.

    Raises:
        CatalogueError: the database is there and cannot be read.
    """
    address = parse_database_url(url)
    return _from_postgres(address) if address.file is None else _from_sqlite(address.file)


def _from_sqlite(file: Path) -> int | None:
    try:
        if not file.exists() or file.stat().st_size == 0:
            return None
        with closing(sqlite3.connect(_read_only_uri(file), uri=True, timeout=10)) as connection:
            row = connection.execute(_QUERY).fetchone()
    except (OSError, sqlite3.OperationalError) as error:
        if "no such table" in str(error):
            return None
        raise CatalogueError(f"SQLite file {file} cannot be read: {error}") from error
    except sqlite3.DatabaseError as error:
        raise CatalogueError(
            f"SQLite file {file} is not a database ({error}): move it away, and sync or import again"
        ) from error
    return None if row is None else int(row[0])


def _read_only_uri(file: Path) -> str:
    # A reader needs the -wal and -shm files beside it. Where it cannot make them and they are not there, nobody writes.
    log = file.with_name(f"{file.name}-wal")
    mode = "mode=ro" if log.exists() or os.access(file.parent, os.W_OK) else "immutable=1"
    return f"{file.absolute().as_uri()}?{mode}"


def _from_postgres(address: DatabaseAddress) -> int | None:
    try:
        import psycopg
    except ImportError as error:
        raise CatalogueError(MISSING_PSYCOPG) from error
    try:
        with psycopg.connect(**address.connect_arguments, autocommit=True) as connection:
            row = connection.execute(_QUERY).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    except psycopg.Error as error:
        raise CatalogueError(f"{address.shown} cannot be read: {address.without_secrets(str(error))}") from None
    return None if row is None else int(row[0])
