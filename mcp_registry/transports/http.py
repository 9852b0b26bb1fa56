"""`open_http`: a server behind a URL, and the `Link` to it: streamable HTTP, or the older SSE transport."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio.abc
import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.dispatcher import CallOptions, OnNotify, OnNotifyIntercept, OnRequest
from mcp.shared.exceptions import MCPError
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp.shared.transport_context import TransportContext
from mcp_types import CONNECTION_CLOSED, RequestId

from mcp_registry.server import Http, Limits
from mcp_registry.transports.exchange import HttpClient
from mcp_registry.transports.link import HttpRefused, Link, Lost, TimedOut

_STREAM_ENDED = ("SSE stream", "Connection closed")
"""How the SDK's own texts begin where a stream ended without the answer it owed."""


class HttpDispatcher(JSONRPCDispatcher[TransportContext]):
    """The SDK's dispatcher, with deadlines that hold while it writes too, and failures that say what failed."""

    def __init__(self, streams: TransportStreams, client: HttpClient) -> None:
        super().__init__(*streams)
        self._client = client
        self._sending: set[asyncio.Task[dict[str, Any]]] = set()

    def busy(self) -> bool:
        return bool(self._sending)

    async def send_raw_request(
        self,
        method: str,
        params: Mapping[str, Any] | None,
        opts: CallOptions | None = None,
        *,
        _related_request_id: RequestId | None = None,
    ) -> dict[str, Any]:
        """The server's result.

        Raises:
            Lost, TimedOut, HttpRefused: on the way. MCPError: the server's own error.
        """
        if self._client.ended.done():
            raise Lost(self._client.ended.result(), sent=False)
        options: CallOptions = {**(opts or {})}
        seconds = options.pop("timeout", None)
        # In a task of its own: giving up must not wait for the SDK to tell a server that hangs.
        sending = asyncio.ensure_future(super().send_raw_request(method, params, options))
        self._sending.add(sending)
        sending.add_done_callback(self._forget)
        try:
            await asyncio.wait({sending}, timeout=seconds)
        finally:
            if not sending.done():
                sending.cancel()
        if not sending.done():
            raise TimedOut(method, seconds or 0.0)
        if sending.cancelled():
            raise Lost("it was closed", sent=True)
        try:
            return sending.result()
        except MCPError as error:
            raise self._failure(error) from None

    async def run(
        self,
        on_request: OnRequest,
        on_notify: OnNotify,
        on_notify_intercept: OnNotifyIntercept | None = None,
        *,
        task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        try:
            await super().run(on_request, on_notify, on_notify_intercept, task_status=task_status)
        finally:
            self._client.end("its stream ended")

    def _failure(self, error: MCPError) -> MCPError:
        if (failure := self._client.failure_in(error)) is not None:
            return failure
        if error.code == CONNECTION_CLOSED and error.message.startswith(_STREAM_ENDED):
            return Lost(error.message, sent=True)
        return error

    def _forget(self, sending: asyncio.Task[dict[str, Any]]) -> None:
        self._sending.discard(sending)
        if not sending.cancelled():
            sending.exception()  # looked at, for asyncio's sake: its caller may have given up


@asynccontextmanager
async def open_http(http: Http, *, limits: Limits) -> AsyncGenerator[Link]:
    """A channel to a server that runs elsewhere; over streamable HTTP nothing is sent before the first request."""
    client = HttpClient(http, limits)

    def same_client(
        headers: dict[str, str] | None = None,
        timeout: httpx2.Timeout | None = None,
        auth: httpx2.Auth | None = None,
    ) -> httpx2.AsyncClient:
        return client

    async with AsyncExitStack() as stack:
        if http.kind == "sse":
            try:
                streams = await stack.enter_async_context(sse_client(http.url, httpx_client_factory=same_client))
            except httpx2.HTTPStatusError as error:
                raise client.last_failure or HttpRefused(error.response.status_code, str(error)) from None
        else:
            await stack.enter_async_context(client)
            streams = await stack.enter_async_context(
                streamable_http_client(http.url, http_client=client, max_sse_event_size=limits.max_message_bytes)
            )
        dispatcher = HttpDispatcher(streams, client)
        yield Link(dispatcher=dispatcher, ended=client.ended, said=lambda: "", busy=dispatcher.busy)
