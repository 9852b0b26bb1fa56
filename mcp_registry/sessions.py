"""`Sessions`: the pool of open servers that everything else calls through."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mcp.shared.dispatcher import ProgressFnT

from mcp_registry.connection import Connection
from mcp_registry.errors import DeadlineExceeded, Unreachable
from mcp_registry.record import ServerInfo
from mcp_registry.result import ToolResult
from mcp_registry.server import ServerSpec
from mcp_registry.session import Session
from mcp_registry.transports.failures import NotSent
from mcp_registry.transports.finish import finish


class Sessions:
    """Servers by name, each opened when it is first needed; a slow, hanging or dead one holds up nobody else."""

    def __init__(
        self, *, environment: Mapping[str, str] | None, on_tools_changed: Callable[[str], None] | None
    ) -> None:
        self._environment = environment
        self._on_tools_changed = on_tools_changed
        self._sessions: dict[str, Session] = {}
        self._retired: dict[asyncio.Task[None], Session] = {}
        """Sessions of specs that have changed, while their last calls run."""
        self._closed = False

    async def list_tools(self, spec: ServerSpec, *, force: bool = True) -> tuple[list[Any], ServerInfo]:
        """Every published entry of the server's tool list, and what the server says of itself.

        `force` tries to open it even if the last try failed a moment ago.

        Raises:
            RegistryError: it cannot be opened or listed; the message says why.
        """
        session = self._session(spec)
        connection = await session.connection(force=force)
        with session.in_use():
            try:
                return await connection.list_tools(), connection.info
            except DeadlineExceeded:
                session.suspect(connection)
                raise
            except Unreachable:
                if not connection.closed:
                    raise
            # It was lost, perhaps long before it was used again. Listing twice does no harm.
            connection = await session.connection(force=force)
            return await connection.list_tools(), connection.info

    async def call_tool(
        self,
        spec: ServerSpec,
        name: str,
        arguments: Mapping[str, Any],
        *,
        timeout_s: float | None = None,
        meta: Mapping[str, Any] | None = None,
        on_progress: ProgressFnT | None = None,
    ) -> ToolResult:
        """The tool's result, unchanged, within `timeout_s` seconds (default: the server's `call_s`), opening included.

        A call that may have reached the server is never sent twice.

        Raises:
            DeadlineExceeded: no answer in time. Unreachable: it cannot be opened, or went away. Both say whether
                the outcome is `unknown`. ProtocolFailure: a JSON-RPC error. MissingSecret: a `${NAME}` is unset.
        """
        seconds = spec.limits.call_s if timeout_s is None else timeout_s
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        session = self._session(spec)

        async def once() -> ToolResult:
            connection = await _opened(session, deadline, seconds)
            try:
                left = max(deadline - loop.time(), 0.0)
                return await connection.call_tool(name, arguments, timeout_s=left, meta=meta, on_progress=on_progress)
            except DeadlineExceeded:
                session.suspect(connection)
                raise

        with session.in_use():
            try:
                return await once()
            except NotSent:
                return await once()

    async def watch(self, spec: ServerSpec) -> None:
        """Keep this server open from now on, so that its change notices are heard; it is opened in the background."""
        self._session(spec).watch()

    async def close(self, name: str) -> None:
        """Close a server's connection and forget what is known of it; calls that run end with an error."""
        if (session := self._sessions.pop(name, None)) is not None:
            await finish(session.close())

    def _session(self, spec: ServerSpec) -> Session:
        """The session of this very spec; one that was made from another spec of the same name is on its way out."""
        if self._closed:
            raise Unreachable(f"server {spec.name!r} cannot be opened: everything is being closed")
        session = self._sessions.get(spec.name)
        if session is None or session.spec != spec:
            fresh = Session(spec, environment=self._environment, on_tools_changed=self._on_tools_changed)
            if session is not None:
                if session.watched:
                    fresh.watch()
                self._retire(session)
            self._sessions[spec.name] = session = fresh
        return session

    def _retire(self, session: Session) -> None:
        closing = asyncio.create_task(session.close(kindly=True))
        self._retired[closing] = session
        closing.add_done_callback(self._retired.pop)

    async def close_all(self) -> None:
        """Close every connection at the same time; bounded by the slowest server's farewell."""
        self._closed = True
        sessions = [*self._sessions.values(), *self._retired.values()]
        self._sessions.clear()
        if sessions:
            await asyncio.wait([asyncio.create_task(session.close()) for session in sessions])


async def _opened(session: Session, deadline: float, seconds: float) -> Connection:
    try:
        async with asyncio.timeout_at(deadline):
            return await session.connection()
    except TimeoutError:
        raise DeadlineExceeded(f"server {session.spec.name!r} was not open within {seconds:.3g} s") from None


@asynccontextmanager
async def open_sessions(
    *,
    environment: Mapping[str, str] | None = None,
    on_tools_changed: Callable[[str], None] | None = None,
) -> AsyncGenerator[Sessions]:
    """A pool without any connection yet; leaving the block closes every one, and leaves no process behind.

    `environment` fills in `${NAME}` when a server is opened (default: the process's own). `on_tools_changed` gets a
    server's name, in the event loop, when the server says that its tools changed: a hint to list them, no more.
    """
    sessions = Sessions(environment=environment, on_tools_changed=on_tools_changed)
    try:
        yield sessions
    finally:
        await finish(sessions.close_all())
