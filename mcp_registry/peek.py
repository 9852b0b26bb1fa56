"""What a search reads of the catalogue without opening it: the ORM and migrations cost more than the search itself."""

import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from mcp_registry.any_text import original, storable
from mcp_registry.database_url import MISSING_PSYCOPG, DatabaseAddress, parse_database_url
from mcp_registry.errors import CatalogueError
from mcp_registry.facts import HINTED, FactRows

_GENERATION = "SELECT generation FROM state"
_STARTABLE = "SELECT name FROM server WHERE spec IS NOT NULL"
_TOOLS = "SELECT tool_id, published FROM tool WHERE tool_id IN ({})"
_SERVERS = "SELECT name, spec FROM server"
_HINTED = "SELECT tool_id, published FROM tool WHERE published LIKE {}"
_OFFERS = "SELECT name, card, about FROM offer"
_CARDS = "SELECT name, card FROM offer WHERE name IN ({})"
_LAUNCHES = "SELECT name, launch FROM offer WHERE name IN ({})"


def read_generation(url: str) -> int | None:
    """The catalogue's generation; None while the database, or the catalogue in it, does not exist yet.

    Two readings that are equal mean that no tool and no card has changed in between. Numbers of two databases do not
    coincide: each starts at the time when it was made.

    Raises:
        CatalogueError: the database is there and cannot be read.
    """
    rows = _read(parse_database_url(url), [(_GENERATION, [])])
    return int(rows[0][0]) if rows else None


def read_published(url: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What was published of each tool (by `server/name`) and each server card (by name) that the catalogue has.

    Raises:
        CatalogueError: the database is there and cannot be read.
    """
    tools = [storable(id_) for id_ in ids if "/" in id_]
    cards = [storable(id_) for id_ in ids if "/" not in id_]
    queries = [(query, wanted) for query, wanted in ((_TOOLS, tools), (_CARDS, cards)) if wanted]
    return {original(id_): json.loads(text) for id_, text in _read(parse_database_url(url), queries)}


def read_launchable(url: str, names: Sequence[str]) -> set[str]:
    """The offers among these names that say how they are launched.

    Raises:
        CatalogueError: the database is there and cannot be read.
    """
    wanted = [storable(name) for name in names]
    rows = _read(parse_database_url(url), [(_LAUNCHES, wanted)]) if wanted else []
    return {original(name) for name, launch in rows if json.loads(launch)}


def read_startable(url: str) -> set[str]:
    """The names of the servers that have something to start or reach.

    Raises:
        CatalogueError: the database is there and cannot be read.
    """
    return {original(name) for (name,) in _read(parse_database_url(url), [(_STARTABLE, [])])}


def read_facts(url: str) -> FactRows:
    """What filters ask of, beside names.

    Raises:
        CatalogueError: the database is there and cannot be read.
    """
    address = parse_database_url(url)
    servers, hinted, offers = (
        [(original(name), *rest) for name, *rest in _read(address, [query])]
        for query in ((_SERVERS, []), (_HINTED, [HINTED]), (_OFFERS, []))
    )
    return FactRows(servers=servers, hinted=hinted, offers=offers)


def _read(address: DatabaseAddress, queries: Sequence[tuple[str, Sequence[str]]]) -> list[tuple[Any, ...]]:
    """The rows of all queries, `{}` standing for the placeholders of their parameters; none without a catalogue."""
    return _read_postgres(address, queries) if address.file is None else _read_sqlite(address.file, queries)


def _read_sqlite(file: Path, queries: Sequence[tuple[str, Sequence[str]]]) -> list[tuple[Any, ...]]:
    try:
        if not file.exists() or file.stat().st_size == 0:
            return []
        with closing(sqlite3.connect(_read_only_uri(file), uri=True, timeout=10)) as connection:
            return [
                row
                for query, wanted in queries
                for row in connection.execute(query.format(",".join("?" * len(wanted))), list(wanted))
            ]
    except (OSError, sqlite3.OperationalError) as error:
        if "no such table" in str(error):
            return []
        raise CatalogueError(f"SQLite file {file} cannot be read: {error}") from error
    except sqlite3.DatabaseError as error:
        raise CatalogueError(
            f"SQLite file {file} is not a database ({error}): move it away, and sync or import again"
        ) from error


def _read_only_uri(file: Path) -> str:
    # A reader needs the -wal and -shm files beside it. Where it cannot make them and they are not there, nobody writes.
    log = file.with_name(f"{file.name}-wal")
    mode = "mode=ro" if log.exists() or os.access(file.parent, os.W_OK) else "immutable=1"
    return f"{file.absolute().as_uri()}?{mode}"


def _read_postgres(address: DatabaseAddress, queries: Sequence[tuple[str, Sequence[str]]]) -> list[tuple[Any, ...]]:
    try:
        import psycopg
    except ImportError as error:
        raise CatalogueError(MISSING_PSYCOPG) from error
    try:
        with psycopg.connect(**address.connect_arguments, autocommit=True) as connection:
            return [
                row
                for query, wanted in queries
                for row in connection.execute(query.format(",".join(["%s"] * len(wanted))).encode(), list(wanted))
            ]
    except psycopg.errors.UndefinedTable:
        return []
    except psycopg.Error as error:
        raise CatalogueError(f"{address.shown} cannot be read: {address.without_secrets(str(error))}") from None
