"""`SqliteDatabase`: the runs in one file, in WAL mode.

`synchronous=NORMAL`: a commit is in the file's log when it returns, so a process that is killed loses nothing; a
machine that loses power may lose the last commits, never an older one and never the file.
"""

import os
import sqlite3
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from filelock import FileLock, Timeout

from agent.errors import StoreError
from agent.store.database import Connection, Session

_PRAGMAS = ("synchronous = NORMAL", "journal_size_limit = 67108864", "wal_autocheckpoint = 2000")
_PAGES_AT_ONCE = 2_000  # other processes may write between two steps
_WORDS = {
    "SQLITE_BUSY": "is locked by another program for too long: close it, or wait, and try again",
    "SQLITE_LOCKED": "is locked by another program for too long: close it, or wait, and try again",
    "SQLITE_READONLY": "cannot be written: give this user the right to write it and its folder",
    "SQLITE_PERM": "cannot be written: give this user the right to write it and its folder",
    "SQLITE_CANTOPEN": "cannot be opened: check that it is a file in a folder that this user can read and write",
    "SQLITE_NOTADB": "is not a SQLite database: move it away",
    "SQLITE_CORRUPT": "is damaged: put back a copy, or move it away",
    "SQLITE_FULL": "cannot grow: the disk is full",
    "SQLITE_CONSTRAINT": "has just been written by another process that works on the same run",
    "SQLITE_IOERR": "cannot be read or written: the disk reports an error",
}


class SqliteDatabase:
    """A file; made when it is missing."""

    begin = "BEGIN IMMEDIATE"
    errors: tuple[type[Exception], ...] = (sqlite3.Error, UnicodeEncodeError)

    def __init__(self, file: Path, *, wait_s: float) -> None:
        self.shown = f"SQLite file {file}"
        self._file = file
        self._wait_s = wait_s

    def connect(self) -> sqlite3.Connection:
        # Transactions begin where the writer says so, not where sqlite3 guesses. One thread at a time uses it.
        connection = sqlite3.connect(
            self._file, timeout=self._wait_s, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def prepare(self) -> None:
        """The file, in WAL mode and able to shrink. Both must be said before there is a table."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self._file}.lock", timeout=self._wait_s):
                self._set_modes()
        except Timeout:
            raise StoreError(
                f"{self.shown} is being opened by another process for more than {self._wait_s:g} s"
            ) from None
        except OSError as error:
            raise StoreError(f"{self.shown} cannot be made or entered: {error.strerror}") from error

    def _set_modes(self) -> None:
        if not os.access(self._file if self._file.exists() else self._file.parent, os.W_OK):
            raise StoreError(f"{self.shown} {_WORDS['SQLITE_READONLY']}")
        connection = self.connect()
        try:
            if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()

    def adapted(self, sql: str) -> str:
        return sql

    def together(self, connection: Connection) -> AbstractContextManager[None]:
        return nullcontext()

    def lock_run(self, session: Session, run_id: str) -> None:
        """Nothing: a transaction that writes is the only one."""

    def lock_schema(self, session: Session) -> None:
        """Nothing, as above."""

    def tables(self, session: Session) -> set[str]:
        return {name for (name,) in session.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def size(self, session: Session, tables: Collection[str]) -> int:
        files = (self._file, self._file.with_name(f"{self._file.name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def give_back(self, session: Session) -> None:
        while (before := session.rows("PRAGMA freelist_count")[0][0]) > 0:
            session.rows(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")
            if session.rows("PRAGMA freelist_count")[0][0] >= before:
                break  # a file that was made without it gives nothing back
        session.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def is_lost(self, connection: Connection) -> bool:
        return False

    def explain(self, error: Exception) -> StoreError:
        name: str = getattr(error, "sqlite_errorname", None) or ""
        words = next((words for prefix, words in _WORDS.items() if name.startswith(prefix)), "failed")
        return StoreError(f"{self.shown} {words} ({error})")
