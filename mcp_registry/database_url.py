"""`DatabaseAddress`: where the catalogue's database is. No database library is imported for it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from mcp_registry.errors import CatalogueError

_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///([^?]+)")
_POSTGRES = re.compile(r"postgres(?:ql)?(?:\+\w+)?://(.*)", re.DOTALL)
_CONNECT_S = 10
"""Seconds for opening one connection to PostgreSQL, unless the URL has its own `connect_timeout`."""

MISSING_PSYCOPG = (
    "the catalogue's URL names PostgreSQL, whose driver is not installed: pip install 'quartermaster[postgres]'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAddress:
    """One database: a file (SQLite) or a libpq URL (PostgreSQL); one of the two is there.

    `shown` names it in messages, without user, password or options.
    """

    shown: str
    file: Path | None = None
    libpq: str | None = None

    @property
    def connect_arguments(self) -> dict[str, Any]:
        """What `psycopg.connect` is given: both ways to the database read the URL as libpq does."""
        arguments: dict[str, Any] = {"conninfo": self.libpq}
        if "connect_timeout=" not in (self.libpq or ""):
            arguments["connect_timeout"] = _CONNECT_S
        return arguments

    def without_secrets(self, message: str) -> str:
        """A driver's message with every password of the URL blotted out."""
        for secret in _secrets(self.libpq or ""):
            message = message.replace(secret, "***")
        return message


def parse_database_url(url: str) -> DatabaseAddress:
    """The address that a URL names: `sqlite:///FILE`, or `postgresql://...` (also `postgres://`, `postgresql+x://`).

    In a SQLite URL `%xx` stands for one byte of the path; `sqlite_url` writes such a URL for any path.

    Raises:
        CatalogueError: it is neither of the two, or its parts cannot be told apart. The message never repeats the URL.

    Example:
        "sqlite:////home/me/.quartermaster/catalogue.sqlite" -> file = /home/me/.quartermaster/catalogue.sqlite
    """
    url = url.strip()
    if match := _SQLITE.match(url):
        file = Path(unquote(match[1])).expanduser()
        return DatabaseAddress(shown=f"SQLite file {file}", file=file)
    if match := _POSTGRES.match(url):
        return _postgres(f"postgresql://{match[1]}")
    scheme = url.partition(":")[0] if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", url) else "no scheme"
    raise CatalogueError(
        f"the catalogue's URL cannot be used ({scheme}): give sqlite:///PATH/catalogue.sqlite or "
        "postgresql://USER@HOST/DATABASE"
    )


def sqlite_url(file: Path) -> str:
    """The URL of a SQLite file, whatever characters its path has."""
    return f"sqlite:///{quote(str(file))}"


def _postgres(url: str) -> DatabaseAddress:
    rest = url.removeprefix("postgresql://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    # A password with a bare '@', '/', '?' or '#' would be cut there, and its remainder taken for a host, and shown.
    if authority.count("@") > 1 or "@" in rest[len(authority) :]:
        raise CatalogueError(
            "the catalogue's PostgreSQL URL has an '@' in an unexpected place: in user and password write "
            "'@' as %40, '/' as %2F, '?' as %3F, '#' as %23"
        )
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        host = parts.hostname or query.get("host", ["the local socket"])[0]
    except ValueError:
        raise CatalogueError(
            "the catalogue's PostgreSQL URL cannot be read: give postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        ) from None
    database = unquote(parts.path.lstrip("/")) or query.get("dbname", ["of the user's name"])[0]
    return DatabaseAddress(shown=f"PostgreSQL database {database} on {host}", libpq=url)


def _secrets(url: str) -> list[str]:
    parts = urlsplit(url)
    authority = parts.netloc.rpartition("@")[0]
    written = authority.partition(":")[2]
    query = parse_qs(parts.query)
    found = {written, unquote(written), *query.get("password", ()), *query.get("sslpassword", ())}
    return sorted(found - {""}, key=len, reverse=True)
