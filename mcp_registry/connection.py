"""`Connection`: one server, open. Raw listings and raw results; whatever goes wrong is one of the floor's errors."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mcp.client.session import ClientSession
from mcp.shared.dispatcher import CallOptions, ProgressFnT
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import find_invalid_x_mcp_header, x_mcp_header_map
from mcp_types import HEADER_MISMATCH, INTERNAL_ERROR, METHOD_NOT_FOUND
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from mcp_registry.errors import ProtocolFailure, Unreachable
from mcp_registry.record import ServerInfo
from mcp_registry.result import ToolResult
from mcp_registry.server import ServerSpec, Stdio, resolve
from mcp_registry.transports.failures import explain, explain_opening
from mcp_registry.transports.keeper import Era, Keeper
from mcp_registry.transports.link import Link, Lost, TimedOut, may_have_run
from mcp_registry.transports.redaction import redaction

MAX_PAGES = 1000
"""A listing that goes on after so many pages is taken for one that never ends."""
_FIRST_TRY = 0.75
"""The part of the opening's deadline that a server gets before it is started again and not asked for its era."""


class Connection:
    """An open server, made by `open_connection`. Calls run side by side; each has its own deadline in seconds."""

    def __init__(self, spec: ServerSpec, link: Link, session: ClientSession, hide: Callable[[str], str]) -> None:
        self._spec = spec
        self._link = link
        self._session = session
        self._hide = hide
        self._listed = False
        self.answers = 0
        """How many requests were answered since the opening, with a result or with an error."""

    @property
    def info(self) -> ServerInfo:
        server, session = self._session.server_info, self._session
        return ServerInfo(
            name=server.name if server else "",
            version=server.version if server else "",
            instructions=session.instructions or "",
            protocol_version=session.protocol_version or "",
        )

    @property
    def era(self) -> Era:
        """What must be remembered to open the same server faster next time."""
        return "modern" if self._session.protocol_version in MODERN_PROTOCOL_VERSIONS else "legacy"

    @property
    def closed(self) -> bool:
        return self._link.ended.done()

    @property
    def reason(self) -> str:
        """Why it ended; empty while it is open."""
        return self._hide(self._link.ended.result()) if self.closed else ""

    async def wait_closed(self) -> str:
        """The reason, once it has ended."""
        await asyncio.wait({self._link.ended})
        return self.reason

    async def list_tools(self) -> list[Any]:
        """Every entry of every page of `tools/list` as published, past any cache; `list_s` for each page.

        Raises:
            ProtocolFailure: a page is malformed, or the listing never ends. Unreachable: the server went away.
        """
        entries: list[Any] = []
        cursors: set[str] = set()
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await self._page(cursor)
            tools = page.get("tools")
            if not isinstance(tools, list):
                raise self._broken("a page has no list of tools")
            entries += tools
            following = page.get("nextCursor")
            if not following:
                self._learn_headers(entries)
                return entries
            if not isinstance(following, str):
                raise self._broken("its cursor is not a text")
            cursor = following
            if cursor in cursors:
                raise self._broken(f"its cursor {cursor[:80]!r} comes again")
            cursors.add(cursor)
        raise self._broken(f"it has more than {MAX_PAGES:,} pages")

    async def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        timeout_s: float,
        meta: Mapping[str, Any] | None = None,
        on_progress: ProgressFnT | None = None,
    ) -> ToolResult:
        """The server's `tools/call` result, unchanged and unchecked.

        Raises:
            DeadlineExceeded, Unreachable: no answer; `unknown` says whether it may have run.
            ProtocolFailure: a JSON-RPC error.
        """
        params: dict[str, Any] = {"name": name, "arguments": dict(arguments)}
        if meta:
            params["_meta"] = dict(meta)
        options: CallOptions = {"timeout": timeout_s}
        if on_progress is not None:
            options["on_progress"] = on_progress
        doing = f"tools/call {name!r}"
        try:
            return ToolResult(await self._request("tools/call", params, options, doing=doing))
        except ProtocolFailure as failure:
            if failure.code != HEADER_MISMATCH or self._listed:
                raise
        # Refused before it ran: this tool wants some arguments repeated as headers, which only its listing says.
        await self.list_tools()
        return ToolResult(await self._request("tools/call", params, options, doing=doing))

    async def check(self, *, seconds: float) -> None:
        """Nothing, if the server still answers at all.

        Raises:
            DeadlineExceeded: it does not. Unreachable: it is gone.
        """
        method = "ping" if self.era == "legacy" else "tools/list"
        with contextlib.suppress(ProtocolFailure):  # an answer too
            await self._request(method, {}, {"timeout": seconds}, doing=f"{method} (is it alive?)")

    async def _page(self, cursor: str | None) -> dict[str, Any]:
        params = {"cursor": cursor} if cursor else {}
        try:
            return await self._request("tools/list", params, {"timeout": self._spec.limits.list_s}, doing="tools/list")
        except ProtocolFailure as failure:
            offers = self._session.server_capabilities
            if failure.code == METHOD_NOT_FOUND and offers is not None and offers.tools is None:
                return {"tools": []}  # it never claimed to have any
            raise

    async def _request(
        self, method: str, params: dict[str, Any], options: CallOptions, *, doing: str
    ) -> dict[str, Any]:
        data: dict[str, Any] = {"method": method, "params": params}
        # The era's own `_meta` and headers; the typed methods would validate what we must pass on as it is.
        self._session._stamp(data, options)  # pyright: ignore[reportPrivateUsage]
        try:
            result = await self._link.dispatcher.send_raw_request(method, data["params"], options)
        except MCPError as error:
            self.answers += not isinstance(error, Lost | TimedOut)
            said = self._link.said() if isinstance(error, Lost) else ""
            explained = explain(self._spec, error, doing=doing, hide=self._hide, said=said)
            if isinstance(explained, Unreachable):
                explained.unknown = method == "tools/call" and may_have_run(error)
            raise explained from None
        self.answers += 1
        return result

    def _broken(self, how: str) -> ProtocolFailure:
        return ProtocolFailure(f"server {self._spec.name!r} gave a broken tools/list: {how}", code=INTERNAL_ERROR)

    def _learn_headers(self, entries: list[Any]) -> None:
        """Which arguments of which tools are repeated as HTTP headers (2026-07-28); the stamp puts them there."""
        self._listed = True
        maps = self._session._x_mcp_header_maps  # pyright: ignore[reportPrivateUsage]
        maps.clear()
        if self.era == "legacy" or isinstance(self._spec.transport, Stdio):
            return
        for entry in entries:
            if isinstance(entry, dict) and isinstance(name := entry.get("name"), str):
                schema = entry.get("inputSchema")
                if isinstance(schema, dict) and find_invalid_x_mcp_header(schema) is None:
                    maps[name] = x_mcp_header_map(schema)


@asynccontextmanager
async def open_connection(
    spec: ServerSpec,
    *,
    environment: Mapping[str, str] | None = None,
    on_tools_changed: Callable[[], None] | None = None,
    era: Era | None = None,
) -> AsyncGenerator[Connection]:
    """An open server of either protocol era, within `open_s`; leaving the block closes it, in bounded time.

    `environment` fills in `${NAME}` (default: the process's own). `era` is what an earlier connection to the same
    server had: it saves asking. `on_tools_changed` is called, in the event loop, when the server says that its list
    of tools has changed; where the server cannot say so, never.

    Raises:
        MissingSecret: a reference has no value. Unreachable, DeadlineExceeded: it did not start or answer; the
            message says why. ProtocolFailure: it answered the handshake with an error.
    """
    resolved = resolve(spec, environment)
    hide = redaction(spec, resolved, environment)
    keeper = await _open(resolved, hide, on_tools_changed, era)
    try:
        yield Connection(resolved, *keeper.opened, hide)
    finally:
        await keeper.leave()


async def _open(
    spec: ServerSpec, hide: Callable[[str], str], heard: Callable[[], None] | None, era: Era | None
) -> Keeper:
    """A keeper whose server is open, on the second try if the first one's question was too much for it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + spec.limits.open_s
    ask_first = era is None and isinstance(spec.transport, Stdio)
    keeper = Keeper(spec, era=era, heard=heard)
    try:
        try:
            await keeper.open(spec.limits.open_s * (_FIRST_TRY if ask_first else 1))
        except (Lost, TimedOut, TimeoutError):
            # Some older servers die of a method that they do not know, or fall silent. This one may be one of them.
            if not ask_first or loop.time() >= deadline:
                raise
            keeper = Keeper(spec, era="legacy", heard=heard)
            await keeper.open(deadline - loop.time())
    except Exception as error:  # noqa: BLE001 - the edge: whatever the outside came up with becomes one of our errors
        raise explain_opening(spec, error, hide=hide, said=keeper.said()) from None
    return keeper
