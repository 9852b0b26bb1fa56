"""`Database`: the seam between SQLite and PostgreSQL. All SQL is written once, with `?` for its parameters."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from agent.errors import StoreError

Row = tuple[Any, ...]


class Cursor(Protocol):
    """What the cursors of both drivers have."""

    def execute(self, sql: Any, parameters: Any = ..., /) -> Any: ...
    def executemany(self, sql: Any, parameters: Any, /) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def close(self) -> None: ...


class Connection(Protocol):
    """What the connections of both drivers have."""

    def cursor(self) -> Any: ...
    def close(self) -> None: ...


class Database(Protocol):
    """One database, closed: it makes connections and knows what is different about them."""

    shown: str
    """Its name in messages, without secrets."""
    begin: str
    """The statement that begins a transaction which will write."""
    errors: tuple[type[Exception], ...]
    """What its driver raises."""

    def connect(self) -> Connection:
        """A connection outside any transaction, for one thread at a time."""
        ...

    def prepare(self) -> None:
        """Make what must be there before the tables are, under whatever lock it takes."""
        ...

    def adapted(self, sql: str) -> str:
        """The statement with this driver's marks for parameters."""
        ...

    def together(self, connection: Connection) -> AbstractContextManager[Any]:
        """A block in which statements without rows need not be waited for; errors come at its end at the latest."""
        ...

    def lock_run(self, session: "Session", run_id: str) -> None:
        """Keep other processes from writing to this run until the transaction ends."""
        ...

    def lock_schema(self, session: "Session") -> None:
        """Keep other processes from making or changing tables until the transaction ends."""
        ...

    def tables(self, session: "Session") -> set[str]:
        """The names of the tables that are there."""
        ...

    def size(self, session: "Session", tables: Collection[str]) -> int:
        """Bytes on disk of these tables; of the whole file where there is one."""
        ...

    def give_back(self, session: "Session") -> None:
        """Return to the system what deleted rows took; outside any transaction."""
        ...

    def is_lost(self, connection: Connection) -> bool:
        """Whether the connection is of no more use."""
        ...

    def explain(self, error: Exception) -> StoreError:
        """The error in words that tell the operator what to do."""
        ...


class Session:
    """A connection with its database's ways: what statements are run through."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self.database = database
        self.connection = connection

    def run(self, sql: str, *parameters: Any) -> None:
        """One statement without rows."""
        cursor = self.connection.cursor()
        cursor.execute(self.database.adapted(sql), parameters)
        cursor.close()

    def run_many(self, sql: str, rows: Sequence[Row]) -> None:
        """One statement for every row."""
        cursor = self.connection.cursor()
        cursor.executemany(self.database.adapted(sql), rows)
        cursor.close()

    def rows(self, sql: str, *parameters: Any) -> list[Row]:
        """What a query finds."""
        cursor = self.connection.cursor()
        cursor.execute(self.database.adapted(sql), parameters)
        found = cursor.fetchall()
        cursor.close()
        return found
