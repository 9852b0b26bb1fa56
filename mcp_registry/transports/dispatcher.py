"""`PipeDispatcher`: JSON-RPC over a child's pipes, with nothing between the bytes and the caller that waits for them.

It takes the place of the SDK's dispatcher, which puts two memory streams, three tasks and a pydantic model in the way
of every message. Left out: OpenTelemetry spans, and requests of ours while we answer one of the server's.
"""

import asyncio
import itertools
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio.abc
from mcp.shared.dispatcher import (
    CallOptions,
    Dispatcher,
    OnNotify,
    OnNotifyIntercept,
    OnRequest,
    coerce_request_id,
    run_notify_intercept,
)
from mcp.shared.exceptions import MCPError
from mcp.shared.transport_context import TransportContext
from mcp_types import INTERNAL_ERROR, RequestId

from mcp_registry.transports.inbound import Answers, Inbound, ProgressFeed
from mcp_registry.transports.link import Lost, TimedOut
from mcp_registry.transports.messages import NotAMessage, decode, encode, error_of
from mcp_registry.transports.process import Child

logger = logging.getLogger(__name__)

_MAX_NOTICES = 1024
"""Notifications that wait for their turn; a flood beyond that is dropped."""
_PROGRESS_S = 1.0
_NOISE_LINES, _NOISE_CHARACTERS = 3, 120

_Outcome = dict[str, Any] | MCPError


@dataclass(slots=True, kw_only=True)
class _Call:
    """A request of ours that waits for its answer."""

    id: RequestId
    answer: asyncio.Future[_Outcome]
    feed: ProgressFeed | None
    may_cancel: bool
    """Whether giving up is told to the server; the protocol forbids it for some requests."""
    expiry: asyncio.TimerHandle | None = None
    sent: bool = False

    def settle(self, outcome: _Outcome) -> None:
        if not self.answer.done():
            self.answer.set_result(outcome)


class PipeDispatcher(Dispatcher[TransportContext]):
    """Requests by id over one child; results are the server's own JSON objects.

    `deadlines` shortens the deadline of some methods: whoever sends them may not know how long a silence may last.
    """

    def __init__(self, *, max_noise_bytes: int, deadlines: Mapping[str, float]) -> None:
        self.noise: list[str] = []
        """The first lines of stdout that were not messages."""
        self._max_noise_bytes = max_noise_bytes
        self._noise_bytes = 0
        self._deadlines = deadlines
        self._child: Child | None = None
        self._ids = itertools.count(1)
        self._calls: dict[RequestId, _Call] = {}
        self._answers = Answers(self._write)
        self._notices: asyncio.Queue[tuple[str, Mapping[str, Any] | None] | None] = asyncio.Queue(_MAX_NOTICES)
        self._intercept: OnNotifyIntercept | None = None
        self._on_request: OnRequest | None = None

    def attach(self, child: Child) -> None:
        """Speak to this child, whose lines come to `receive`."""
        self._child = child
        child.ended.add_done_callback(lambda ended: self._end(ended.result()))

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> dict[str, Any]:
        """The server's result.

        Raises:
            Lost: the child went away. TimedOut: no answer in time. MCPError: the server's own error.
        """
        call = self._register(method, opts or {})
        try:
            message = _request(call, method, params)
            call.sent = await self._send(call, message)
            outcome = await call.answer
        except asyncio.CancelledError:
            self._tell_cancelled(call, "the caller went away")
            raise
        finally:
            self._forget(call)
        if call.feed is not None:
            await call.feed.close(seconds=_PROGRESS_S)
        match outcome:
            case Lost():
                raise Lost(outcome.message, sent=call.sent)
            case TimedOut():
                self._tell_cancelled(call, outcome.message)
                raise TimedOut(method, outcome.seconds, sent=call.sent)
            case MCPError():
                raise outcome
            case _:
                return outcome

    async def notify(self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None) -> None:
        """Sent if it can be sent at once, dropped if the server does not read."""
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = params
        self._write(message)

    async def run(
        self,
        on_request: OnRequest,
        on_notify: OnNotify,
        on_notify_intercept: OnNotifyIntercept | None = None,
        *,
        task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Hand over notifications, in order, until the child ends."""
        self._on_request, self._intercept = on_request, on_notify_intercept
        task_status.started()
        try:
            while (notice := await self._notices.get()) is not None:
                try:
                    await on_notify(Inbound(), *notice)
                except Exception:  # the session's callback: its failure costs one notification, never the connection
                    logger.exception("a notification handler failed")
        finally:
            self._answers.close()

    def receive(self, line: bytes) -> None:
        """Take one line of the child's stdout."""
        if not line or line.isspace():
            return
        try:
            messages = decode(line)
        except NotAMessage:
            self._skip(line)
            return
        self._noise_bytes = 0
        for message in messages:
            method, params = message.get("method"), message.get("params")
            if not isinstance(method, str):
                self._take_answer(message)
            elif "id" in message:
                self._take_request(message["id"], method, params if isinstance(params, dict) else None)
            else:
                self._take_notification(method, params if isinstance(params, dict) else None)

    def _skip(self, line: bytes) -> None:
        self._noise_bytes += len(line)
        if len(self.noise) < _NOISE_LINES:
            self.noise.append(line[:_NOISE_CHARACTERS].decode(errors="replace").strip())
        if self._noise_bytes > self._max_noise_bytes and self._child is not None:
            self._child.end(f"it sent {self._noise_bytes:,} bytes on stdout that are not MCP messages")

    def _take_answer(self, message: Mapping[str, Any]) -> None:
        call = self._calls.get(_key(message.get("id")))
        if call is None:
            return  # late, or for nobody
        if "error" in message:
            call.settle(error_of(message["error"]))
        elif isinstance(result := message.get("result"), dict):
            call.settle(result)
        else:
            call.settle(MCPError(INTERNAL_ERROR, "the result is not a JSON object"))

    def _take_request(self, request_id: object, method: str, params: Mapping[str, Any] | None) -> None:
        if self._on_request is not None and isinstance(request_id, str | int):
            self._answers.begin(self._on_request, request_id, method, params)

    def _take_notification(self, method: str, params: Mapping[str, Any] | None) -> None:
        if method == "notifications/message":
            return  # the server's log; nobody reads it here
        if method == "notifications/progress":
            call = self._calls.get(_key(params.get("progressToken"))) if params else None
            if params and call is not None and call.feed is not None:
                call.feed.hear(params)
            return
        if method == "notifications/cancelled" and params:
            self._answers.cancel(_key(params.get("requestId")))
        if run_notify_intercept(self._intercept, method, params):
            return
        if self._notices.full():
            logger.debug("dropped %s: too many notifications wait", method)
        else:
            self._notices.put_nowait((method, params))

    def _end(self, reason: str) -> None:
        for call in self._calls.values():
            call.settle(Lost(reason, sent=call.sent))
        if self._notices.full():
            self._notices.get_nowait()
        self._notices.put_nowait(None)

    def _register(self, method: str, opts: CallOptions) -> _Call:
        assert self._child is not None
        loop = asyncio.get_running_loop()
        request_id = opts.get("request_id")
        if request_id is None:
            request_id = next(number for number in self._ids if number not in self._calls)
        key = coerce_request_id(request_id)
        if key in self._calls:
            raise ValueError(f"request id {request_id!r} is already in flight")
        feed = ProgressFeed(opts["on_progress"]) if "on_progress" in opts else None
        may_cancel = opts.get("cancel_on_abandon", True)
        call = _Call(id=request_id, answer=loop.create_future(), feed=feed, may_cancel=may_cancel)
        self._calls[key] = call
        limits = [seconds for seconds in (opts.get("timeout"), self._deadlines.get(method)) if seconds is not None]
        if limits:
            call.expiry = loop.call_later(min(limits), call.settle, TimedOut(method, min(limits)))
        if self._child.ended.done():
            call.settle(Lost(self._child.ended.result(), sent=False))
        return call

    def _forget(self, call: _Call) -> None:
        self._calls.pop(coerce_request_id(call.id), None)
        if call.expiry is not None:
            call.expiry.cancel()

    async def _send(self, call: _Call, message: bytes) -> bool:
        """Whether it was written. A server that does not read makes the caller wait, up to its deadline."""
        assert self._child is not None
        if not self._child.writable:
            waiting = asyncio.ensure_future(self._child.until_writable())
            try:
                await asyncio.wait({waiting, call.answer}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
        return not call.answer.done() and self._child.write(message)

    def _tell_cancelled(self, call: _Call, reason: str) -> None:
        if call.sent and call.may_cancel:
            params = {"requestId": call.id, "reason": reason}
            self._write({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})

    def _write(self, message: Mapping[str, Any]) -> None:
        if self._child is not None and self._child.writable:
            self._child.write(encode(message))


def _request(call: _Call, method: str, params: Mapping[str, Any] | None) -> bytes:
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": call.id, "method": method}
    if call.feed is not None:
        meta: Mapping[str, Any] = (params or {}).get("_meta") or {}
        params = {**(params or {}), "_meta": {**meta, "progressToken": call.id}}
    if params:
        message["params"] = params
    return encode(message)


def _key(value: object) -> RequestId:
    """An id as the server echoed it, the way we keep ids; what cannot be one becomes the empty text, which is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return coerce_request_id(value) if isinstance(value, str) else int(value) if value == value // 1 else ""
