"""`HttpClient`: every HTTP exchange with a server, and each failed one as an answer that the SDK hands to its caller.

The SDK loses the status of a refused request, and takes the whole connection down when one request cannot connect.
So nothing that fails here is raised: it is answered with a JSON-RPC error of our own, which `failure_in` knows again.
"""

import asyncio
import itertools
import json
import os
from collections.abc import Mapping
from typing import Any

import httpx2
import msgspec
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from mcp_registry.server import Http, Limits
from mcp_registry.transports.link import HttpRefused, Lost

_SESSION = "mcp-session-id"
_NOTICE_S = 5.0
"""Notifications and farewells get so long; nobody waits for them."""
_LONGEST_CALL_S = 900.0
"""A response of which nothing comes for so long is given up, even if its caller waits longer."""
_MARK = "quartermaster/failure"
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


class _Head(msgspec.Struct):
    """What of a message decides how long to wait for its response."""

    id: str | int | None = None
    method: str = ""


class HttpClient(httpx2.AsyncClient):
    """An HTTP client for one server, with its headers and limits; `ended` is done when it can be reached no more."""

    def __init__(self, http: Http, limits: Limits) -> None:
        # A compressed response could unfold to any size.
        super().__init__(
            headers={"accept-encoding": "identity", **http.headers},
            timeout=httpx2.Timeout(limits.open_s),
            limits=httpx2.Limits(max_keepalive_connections=20),
        )
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._http = http
        self._limits = limits
        self._failures: dict[int, MCPError] = {}
        self.last_failure: MCPError | None = None
        self._keys = itertools.count(1)

    def end(self, reason: str) -> None:
        """Send nothing more; the first reason counts."""
        if not self.ended.done():
            self.ended.set_result(reason)

    def failure_in(self, error: MCPError) -> MCPError | None:
        """The failure behind an error that we answered ourselves; None when it is the server's own."""
        data: object = error.data
        key: object = data.get(_MARK) if isinstance(data, dict) else None
        return self._failures.pop(key, None) if isinstance(key, int) else None

    async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        head = _head(request)
        if request.method == "DELETE" and self.ended.done():
            return httpx2.Response(204, request=request)  # nobody is there to say farewell to
        request.extensions = {**request.extensions, "timeout": self._patience(request, head)}
        try:
            response = await super().send(request, stream=True, **options)
            if response.is_success and not _is_json(response):
                return response
            if response.has_redirect_location:
                return response
            return await self._whole(request, response, head)
        except httpx2.TransportError as error:
            sent = not isinstance(error, _NOT_SENT)
            if not sent or self._http.kind == "sse":
                self.end(_reason(error))
            return self._answer(request, head, 503, Lost(_reason(error), sent=sent))

    async def _whole(self, request: httpx2.Request, response: httpx2.Response, head: _Head) -> httpx2.Response:
        """The response with its body read, within the limit, or the failure that it is."""
        try:
            body = await self._read(response)
        finally:
            await response.aclose()
        if body is None:
            limit = f"it sent a message of more than {self._limits.max_message_bytes:,} bytes"
            return self._answer(request, head, 502, Lost(limit, sent=True))
        status = response.status_code
        headers = {name: response.headers[name] for name in ("content-type", _SESSION) if name in response.headers}
        if status < 400:
            return httpx2.Response(status, headers=headers, content=body, request=request)
        said = _error_in(body)
        if _SESSION in request.headers and _is_about_session(status, said):
            self.end("its session has expired")
            return self._answer(request, head, status, Lost("its session has expired", sent=False))
        if self._http.kind == "sse":
            self.end(f"it answered HTTP {status}")
        if said is not None:
            return httpx2.Response(status, headers=headers, content=body, request=request)
        reason = f"HTTP {status} {response.reason_phrase}".rstrip()
        return self._answer(request, head, status, HttpRefused(status, reason))

    async def _read(self, response: httpx2.Response) -> bytes | None:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise httpx2.RemoteProtocolError("it sent a compressed response that it was not asked for")
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_raw():
            size += len(part)
            if size > self._limits.max_message_bytes:
                return None
            parts.append(part)
        return b"".join(parts)

    def _answer(self, request: httpx2.Request, head: _Head, status: int, failure: MCPError) -> httpx2.Response:
        self.last_failure = failure
        if head.id is None:
            return httpx2.Response(204 if request.method == "DELETE" else status, request=request)
        key = next(self._keys)
        self._failures[key] = failure
        error = {"code": INTERNAL_ERROR, "message": failure.message, "data": {_MARK: key}}
        return httpx2.Response(status, json={"jsonrpc": "2.0", "id": head.id, "error": error}, request=request)

    def _patience(self, request: httpx2.Request, head: _Head) -> dict[str, float | None]:
        """Seconds for each part of an exchange. Requests have their callers' deadlines; streams stand open for ever."""
        limits = self._limits
        if request.method == "GET" or head.method == "subscriptions/listen":
            read = None
        elif head.id is None:
            return dict.fromkeys(("connect", "read", "write", "pool"), _NOTICE_S)
        else:
            read = max(_LONGEST_CALL_S, limits.call_s)
        return {"connect": limits.open_s, "read": read, "write": limits.open_s, "pool": limits.open_s}


def _head(request: httpx2.Request) -> _Head:
    try:
        return msgspec.json.decode(request.content, type=_Head)
    except (msgspec.MsgspecError, httpx2.RequestNotRead):
        return _Head()


def _is_json(response: httpx2.Response) -> bool:
    return response.headers.get("content-type", "").lower().startswith("application/json")


def _error_in(body: bytes) -> Mapping[str, Any] | None:
    """The JSON-RPC error in the body of a refused request, if it has one."""
    try:
        message: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    error: Any = message.get("error") if isinstance(message, dict) else None
    return error if isinstance(error, dict) and isinstance(error.get("code"), int) else None


def _is_about_session(status: int, error: Mapping[str, Any] | None) -> bool:
    """404 is how the protocol says it; 400 with such words is how some servers do."""
    words = str(error.get("message", "")).lower() if error else ""
    return status == 404 or (status == 400 and ("session" in words or "not initialized" in words))


def _reason(error: BaseException) -> str:
    """The most telling text of an error: the operating system's, where there is one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return os.strerror(number) if (number := cause.errno or 0) > 0 else cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__
