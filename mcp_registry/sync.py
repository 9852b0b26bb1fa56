"""Sync: the catalogue is made equal to what the servers say now (ScaleMCP, Algorithm 1). Servers are the truth."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from mcp_registry.catalogue import Catalogue
from mcp_registry.diff import ToolDiff, diff
from mcp_registry.errors import NotStartable, RegistryError, UnknownServer
from mcp_registry.record import ServerInfo, ServerRecord
from mcp_registry.sessions import Sessions
from mcp_registry.wire import SetAside, read_listing
from retrieval.tool import ToolSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOutcome:
    """What one sync of one server found. With an `error` nothing about its tools has changed."""

    server: str
    # Not ToolDiff[ToolSpec]: a call of the alias sets `__orig_class__`, which frozen slots refuse with a TypeError.
    found: ToolDiff[ToolSpec] = field(default_factory=lambda: ToolDiff())
    tools: int = 0
    set_aside: tuple[SetAside, ...] = ()
    generation: int = -1
    seconds: float = 0.0
    error: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


Done = Callable[[SyncOutcome], None]
RefreshOne = Callable[[ServerRecord], Awaitable[SyncOutcome]]


async def refresh(record: ServerRecord, catalogue: Catalogue, sessions: Sessions) -> SyncOutcome:
    """Ask one server for all of its tools, and record the difference in one transaction.

    Whatever goes wrong between us and the server is an outcome, not an exception: the server is marked stale and
    keeps its last known tools. A failed listing never deletes.
    """
    clock = asyncio.get_running_loop().time
    started = clock()
    try:
        if record.spec is None:
            raise NotStartable(f"server {record.name!r} has nothing to start: it is {record.status}")
        entries, info = await sessions.list_tools(record.spec)
    except RegistryError as error:
        outcome = await asyncio.to_thread(_record_failure, catalogue, record, str(error))
    else:
        outcome = await asyncio.to_thread(_record_listing, catalogue, record, entries, info)
    return replace(outcome, seconds=clock() - started)


def _record_listing(
    catalogue: Catalogue, record: ServerRecord, entries: Sequence[object], info: ServerInfo
) -> SyncOutcome:
    tools, aside = read_listing(record.name, entries)
    found = diff(catalogue.fingerprints(record.name), ((tool.tool_id, tool) for tool in tools))
    try:
        generation = catalogue.record_sync(record.name, found, set_aside=aside, info=info, at=datetime.now(UTC))
    except UnknownServer:
        return SyncOutcome(server=record.name, error="it was removed while it was asked")
    return SyncOutcome(server=record.name, found=found, tools=len(tools), set_aside=tuple(aside), generation=generation)


def _record_failure(catalogue: Catalogue, record: ServerRecord, reason: str) -> SyncOutcome:
    # A server that was removed meanwhile has nothing left to mark.
    with suppress(UnknownServer):
        catalogue.record_failure(record.name, reason, at=datetime.now(UTC))
    return SyncOutcome(server=record.name, tools=record.tools, error=reason)


async def refresh_all(
    records: Sequence[ServerRecord], refresh_one: RefreshOne, *, parallel: int, done: Done | None = None
) -> list[SyncOutcome]:
    """Refresh several servers at once, at most `parallel` at a time; each stands for itself. In the order given."""
    places = asyncio.Semaphore(max(1, parallel))

    async def one(record: ServerRecord) -> SyncOutcome:
        async with places:
            outcome = await refresh_one(record)
        if done is not None:
            done(outcome)
        return outcome

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(record)) for record in records]
    return [task.result() for task in tasks]
