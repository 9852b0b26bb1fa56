"""`explained`: what a database says, in words that tell the operator what to do."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from mcp_registry.database_url import DatabaseAddress
from mcp_registry.errors import CatalogueError

_LOCKED = "is locked by another program for too long: wait for it, or close it, and try again"
_READ_ONLY = "cannot be written: give this user the right to write it and its folder, or name another database"
_SQLITE = {
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_CANTOPEN": "cannot be opened: check that it is a file in a folder that this user can read and write",
    "SQLITE_PERM": _READ_ONLY,
    "SQLITE_NOTADB": "is not a SQLite database: move it away, or name another file",
    "SQLITE_CORRUPT": "is damaged: put back a copy, or move it away and add, import and sync the servers again",
    "SQLITE_FULL": "cannot grow: the disk is full",
    "SQLITE_IOERR": "cannot be read or written: the disk reports an error",
}
_POSTGRES = {
    "08": "is not reachable",
    "25006": _READ_ONLY,
    "28": "refuses this user: check user and password in the URL",
    "3D": "does not exist: create it (createdb), or name another one",
    "42501": _READ_ONLY,
    "53": "has no room left for another connection, or for data",
    "55P03": _LOCKED,
    "57P": "is shutting down or starting: try again",
}


@contextmanager
def explained(address: DatabaseAddress) -> Generator[None]:
    """Turn what the operator can mend into a CatalogueError; faults of ours (a wrong statement) stay what they are."""
    try:
        yield
    except PoolTimeout:
        raise CatalogueError(f"{address.shown} is too busy: all connections have been in use for too long") from None
    except IntegrityError:
        raise
    except DBAPIError as error:
        cause = error.orig
        advice = _advice(cause, address)
        if advice is None:
            raise
        said = address.without_secrets(str(cause).strip().partition("\n")[0])
        # The cause is not chained: for a bad URL it may repeat a piece of the password.
        raise CatalogueError(f"{address.shown} {advice} ({said})") from None


def _advice(cause: BaseException | None, address: DatabaseAddress) -> str | None:
    if address.file:
        name: str = getattr(cause, "sqlite_errorname", None) or ""
        return next((advice for prefix, advice in _SQLITE.items() if name.startswith(prefix)), None)
    state: str | None = getattr(cause, "sqlstate", None)
    if state is None:  # libpq gives none while it connects
        return "cannot be reached: check that the server runs, and host, port, user, password and database in the URL"
    return next((advice for prefix, advice in _POSTGRES.items() if state.startswith(prefix)), None)
