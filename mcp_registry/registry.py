"""`Registry`: catalogue, index and sessions as one thing that searches, describes, calls and syncs."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from mcp_registry.access import Access
from mcp_registry.annotations import Annotation, tool_annotations
from mcp_registry.audit import AuditTrail, open_audit_trail
from mcp_registry.calling import Calling
from mcp_registry.catalogue import Catalogue, open_catalogue
from mcp_registry.errors import NotStartable
from mcp_registry.home import Home
from mcp_registry.indexing import follow, reconcile
from mcp_registry.known import Known
from mcp_registry.policy import Decision
from mcp_registry.probing import QueryWriter, validated
from mcp_registry.profiles import profile_filter
from mcp_registry.record import CallRecord, ServerRecord
from mcp_registry.result import ToolResult
from mcp_registry.sessions import Sessions, open_sessions
from mcp_registry.settings import Settings
from mcp_registry.sync import Done, SyncOutcome, refresh, refresh_all
from mcp_registry.validation import Candidate
from retrieval.candidates import Allow
from retrieval.embedders import open_embedder
from retrieval.filters import Filter
from retrieval.hit import Hit
from retrieval.index import ToolIndex, open_index
from retrieval.multi import search_many
from retrieval.stuffing import defended
from retrieval.tool import ToolId, ToolSpec, split_tool_id
from retrieval.vector_store import Progress


class Registry:
    """The one place where a search, a description and a call go through; made by `open_registry`."""

    def __init__(
        self, access: Access, catalogue: Catalogue, index: ToolIndex, sessions: Sessions, audit: AuditTrail
    ) -> None:
        self.settings = access.settings
        self.catalogue = catalogue
        self.index = index
        self.sessions = sessions
        self._access = access
        self._audit = audit
        self._known = Known()
        self._calling = Calling(self)
        self._listing: dict[str, asyncio.Lock] = {}
        self._indexing = asyncio.Lock()

    async def search(
        self, query: str | Sequence[str], k: int, *, only: Filter | None = None
    ) -> list[tuple[Hit, ToolSpec]]:
        """The k best tools that the policy allows, best first, each with its definition; `only` narrows it further.

        Of several queries, one for each step of a task, every one gets its share of the k.

        A tool that can be called comes before one of which there is only a definition, unless it fits much worse.

        Raises:
            BadFilter: `only` names a server or a tag that is not there; the message has the nearest.
        """
        allow = await self._allowing(only)
        startable = await self.startable()
        search = partial(self.index.search, kind="tools", allow=allow, prefer=startable)
        honest = defended(search, self._descriptions, startable.__contains__)
        hits = await asyncio.to_thread(search_many, honest, query, k)
        tools = await self.tools([hit.id for hit in hits])
        return [(hit, tools[hit.id]) for hit in hits if hit.id in tools]

    async def _allowing(self, only: Filter | None = None) -> Allow:
        return await self._access.allowing(self.index.generation, only)

    async def validated(
        self, found: Sequence[tuple[Hit, ToolSpec]], write: QueryWriter | None = None
    ) -> list[Candidate]:
        """What a search found, each with the verdict of a probe (RAG-MCP); what failed comes behind all others."""
        return await validated(self, found, write)

    async def offered(self, query: str, k: int) -> list[Hit]:
        """The k best servers that are known and not connected; their scores may be compared with those of tools."""
        allow, prefer = await self._allowing(), await self.startable()
        return await asyncio.to_thread(self.index.search, query, k, kind="servers", allow=allow, prefer=prefer)

    async def startable(self) -> set[str]:
        """The names of the servers whose tools can be called."""
        known = self._current()
        if known.startable is None:
            known.startable = await asyncio.to_thread(self.catalogue.startable)
        return known.startable

    async def tools(self, ids: Sequence[ToolId]) -> dict[ToolId, ToolSpec]:
        """The definitions of those ids that exist and that the policy allows."""
        found = await asyncio.to_thread(self._definitions, ids)
        allows = await self._allowing()
        return {id_: tool for id_, tool in found.items() if allows(id_)}

    def _definitions(self, ids: Sequence[ToolId]) -> dict[ToolId, ToolSpec]:
        return self._current().definitions(ids, self.catalogue.tools)

    def _descriptions(self, ids: Sequence[ToolId]) -> dict[ToolId, str]:
        return {id_: tool.description for id_, tool in self._definitions(ids).items()}

    async def server(self, name: str) -> ServerRecord | None:
        """What the catalogue knows of a server."""
        known = self._current().servers.get(name)
        return known if known is not None else await asyncio.to_thread(self._server, name)

    def _server(self, name: str) -> ServerRecord | None:
        known = self._current()
        if name not in known.servers:
            record = self.catalogue.server(name)
            if record is None:
                return None
            known.servers[name] = record
        return known.servers[name]

    async def nearest(self, tool_id: ToolId) -> list[ToolId]:
        """Ids like this one, among those that the policy allows."""
        close = await asyncio.to_thread(self.catalogue.nearest, tool_id, 6)
        allows = await self._allowing()
        return [id_ for id_ in close if allows(id_)][:3]

    def decide(self, tool: ToolSpec) -> Decision:
        """What the policy and the profile say about calling a tool; one row is read, once for a server's generation."""
        record = self._server(tool.server)
        read_only = record is not None and record.spec is not None and record.spec.read_only
        return self._access.decide(tool, self.index.generation, read_only=read_only)

    def only_reads(self, tool: ToolSpec) -> bool:
        """Whether a tool changes nothing, by its own hints or by the operator's word on its server."""
        record = self._server(tool.server)
        read_only = record is not None and record.spec is not None and record.spec.read_only
        return Annotation.READ_ONLY in tool_annotations(tool, read_only=read_only)

    def trusts(self, server: str) -> bool:
        """Whether the operator vouches for what the server's tools say (`policy.trusted`)."""
        return self._access.trusts(server)

    async def call(
        self,
        tool_id: ToolId,
        arguments: object,
        *,
        timeout_s: float | None = None,
        meta: Mapping[str, Any] | None = None,
        probe: bool = False,
        approved: bool = False,
    ) -> ToolResult:
        """Call a tool and give its server's answer unchanged; a `probe` is told apart in the audit.

        What the policy asks a person about is called only if it is `approved`. What a model can mend (no such tool,
        wrong arguments, a server that is down) is a result with `is_error`.
        """
        started = time.monotonic()
        at = datetime.now(UTC)
        result = await self._calling.call(tool_id, arguments, timeout_s=timeout_s, meta=meta, approved=approved)
        server, name = split_tool_id(tool_id)
        self._audit.add(
            CallRecord(
                server=server,
                tool=name,
                at=at,
                seconds=time.monotonic() - started,
                outcome=("probe " if probe else "") + ("error" if result.is_error else "ok"),
            )
        )
        return result

    def _current(self) -> Known:
        """The look-ups of the generation that the index is equal to: a new generation starts with none."""
        if self._known.generation != self.index.generation:
            self._known = Known(self.index.generation)
        return self._known

    def forget(self) -> None:
        """Drop what was looked up: a server's entry may have changed without its tools."""
        self._known = Known()

    async def sync(
        self, names: Sequence[str] = (), *, done: Done | None = None, progress: Progress | None = None
    ) -> list[SyncOutcome]:
        """Refresh the named servers, or all that can be started, then make the index equal to the catalogue.

        Raises:
            UnknownServer, NotStartable: a name that is not registered, or not to be started; nothing is synced.
        """
        records = await asyncio.to_thread(self._startable, names)
        outcomes = await refresh_all(records, self._refresh, parallel=self.settings.sync.at_once, done=done)
        await self.reconcile(progress)
        return outcomes

    async def look_again(self, name: str) -> SyncOutcome | None:
        """Refresh one server after a notice of change; None when it is no longer registered."""
        record = await asyncio.to_thread(self.catalogue.server, name)
        if record is None or record.spec is None:
            return None
        outcome = await self._refresh(record)
        if outcome.found:
            async with self._indexing:
                await asyncio.to_thread(follow, self.index, self.catalogue, outcome.found, outcome.generation)
                await asyncio.to_thread(self.index.save)
        self.forget()
        return outcome

    async def _refresh(self, record: ServerRecord) -> SyncOutcome:
        # One listing of a server at a time: two differences to the same state must not both be recorded.
        async with self._listing.setdefault(record.name, asyncio.Lock()):
            return await refresh(record, self.catalogue, self.sessions)

    async def reconcile(self, progress: Progress | None = None) -> None:
        """Make the index equal to the catalogue."""
        async with self._indexing:
            await asyncio.to_thread(reconcile, self.index, self.catalogue, progress)
        self.forget()

    def _startable(self, names: Sequence[str]) -> list[ServerRecord]:
        records = {record.name: record for record in self.catalogue.servers()}
        if not names:
            return [record for record in records.values() if record.spec is not None]
        for name in names:
            if name not in records:
                raise self.catalogue.unknown_server(name)
            if records[name].spec is None:
                raise NotStartable(f"server {name!r} has only definitions from a file: there is nothing to start")
        return [records[name] for name in dict.fromkeys(names)]


@asynccontextmanager
async def open_registry(
    home: Home,
    settings: Settings,
    *,
    on_look: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    profile: str | None = None,
) -> AsyncGenerator[Registry]:
    """Everything opened: the catalogue migrated, the index equal to it, no server started yet.

    `on_look` is told the name of each connected server that says its tools have changed. A `profile` of the settings
    holds for whatever is searched, described and called.

    Raises:
        BadFilter: there is no such profile.
    """
    limits = profile_filter(settings.profiles, profile) if profile is not None else None
    with open_catalogue(home.database_url) as catalogue:
        embedder = await asyncio.to_thread(
            open_embedder, settings.retrieval.model, threads=settings.retrieval.threads or None
        )
        index = await asyncio.to_thread(open_index, home.index, embedder, settings.retrieval)
        await asyncio.to_thread(reconcile, index, catalogue, progress)
        async with open_audit_trail(catalogue) as audit, open_sessions(on_tools_changed=on_look) as sessions:
            access = Access(catalogue, settings, limits)
            yield Registry(access, catalogue, index, sessions, audit)
