"""`PostgresDatabase`: the runs in tables of their own beside the catalogue's. Needs the extra `postgres`."""

from collections.abc import Collection
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from agent.errors import StoreError
from agent.store.database import Session
from mcp_registry.database_url import DatabaseAddress

_SCHEMA_LOCK = 0x514D_52554E  # any number, the same for every process: advisory locks have no names
_RUN_LOCK = 0x514D_4C
_WORDS = {
    "08": "is not reachable",
    "23": "has just been written by another process that works on the same run",
    "25006": "cannot be written: give this user the right to",
    "28": "refuses this user: check user and password in the URL",
    "3D": "does not exist: create it (createdb), or name another one",
    "42501": "refuses this user: give it the right to make and write tables",
    "53": "has no room left for another connection, or for data",
    "55P03": "is locked by another program for too long: wait for it, or close it, and try again",
    "57P": "is shutting down or starting: try again",
}


class PostgresDatabase:
    """A database by its address."""

    begin = "BEGIN"
    errors: tuple[type[Exception], ...] = (psycopg.Error, UnicodeEncodeError)

    def __init__(self, address: DatabaseAddress, *, wait_s: float, losable: bool = False) -> None:
        self.shown = address.shown
        self._address = address
        self._settings = [f"SET lock_timeout = {int(wait_s * 1000)}"]
        if losable:
            self._settings.append("SET synchronous_commit = off")
        try:
            self._arguments: dict[str, Any] = dict(conninfo_to_dict(**address.connect_arguments))
        except psycopg.ProgrammingError as error:
            said = address.without_secrets(str(error).strip())
            raise StoreError(f"the URL of {address.shown} cannot be read: {said}") from None

    def connect(self) -> Any:
        # Autocommit: transactions begin where the writer says so.
        connection = psycopg.connect(**self._arguments, autocommit=True)
        for setting in self._settings:
            connection.execute(setting.encode())
        return connection

    def prepare(self) -> None:
        """Nothing: the database is there, or connecting says that it is not."""

    def adapted(self, sql: str) -> str:
        return _with_percents(sql)

    def together(self, connection: Any) -> AbstractContextManager[Any]:
        return connection.pipeline()

    def lock_run(self, session: Session, run_id: str) -> None:
        session.run("SELECT pg_advisory_xact_lock(?, hashtext(?))", _RUN_LOCK, run_id)

    def lock_schema(self, session: Session) -> None:
        session.run("SELECT pg_advisory_xact_lock(?)", _SCHEMA_LOCK)

    def tables(self, session: Session) -> set[str]:
        return {name for (name,) in session.rows("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")}

    def size(self, session: Session, tables: Collection[str]) -> int:
        return sum(int(session.rows("SELECT pg_total_relation_size(?::regclass)", name)[0][0]) for name in tables)

    def give_back(self, session: Session) -> None:
        """Nothing: autovacuum makes the room of deleted rows free for new ones."""

    def is_lost(self, connection: Any) -> bool:
        return bool(connection.closed)

    def explain(self, error: Exception) -> StoreError:
        state: str = getattr(error, "sqlstate", None) or ""
        words = next((words for prefix, words in _WORDS.items() if state.startswith(prefix)), None)
        if words is None:
            words = "failed" if state else "cannot be reached: check that the server runs, and the URL"
        said = self._address.without_secrets(str(error).strip().partition("\n")[0])
        return StoreError(f"{self.shown} {words} ({said})")


@cache
def _with_percents(sql: str) -> str:
    return sql.replace("?", "%s")
