"""`ServerRecord`: what the catalogue knows of one server, as plain data."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mcp_registry.server import ServerSpec


class ServerStatus(StrEnum):
    """Where a server stands.

    new: registered, never synced. ready: its last sync succeeded. stale: its last sync failed, and the tools it had
    before are kept. failed: no sync has ever succeeded. definitions: its tools were loaded from a file, and there is
    nothing to start. offered: known from an imported list, never started until enabled.
    """

    NEW = "new"
    READY = "ready"
    STALE = "stale"
    FAILED = "failed"
    DEFINITIONS = "definitions"
    OFFERED = "offered"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """What a server says of itself when a connection opens."""

    name: str = ""
    version: str = ""
    instructions: str = ""
    protocol_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRecord:
    """One server: its spec (none for definitions and offers), status and counts. Times are UTC."""

    name: str
    status: ServerStatus
    origin: str
    """Who brought it: `added`, or the file that it was imported from."""
    spec: ServerSpec | None = None
    tools: int = 0
    set_aside: int = 0
    """Tools of its last listing that were invalid and are not offered."""
    info: ServerInfo | None = None
    synced_at: datetime | None = None
    stale_since: datetime | None = None
    error: str | None = None
    """Why its last sync failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One tool call as it is kept: no argument and no result, only that it happened and how it ended."""

    server: str
    tool: str
    at: datetime
    seconds: float
    outcome: str
    """`ok` or `error`; of a probe `probe ok` or `probe error`."""
