"""What goes the other way: the server's own requests and their answers, and its progress reports."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp.shared.dispatcher import CallOptions, OnRequest, ProgressFnT, coerce_request_id
from mcp.shared.exceptions import NoBackChannelError
from mcp.shared.jsonrpc_dispatcher import handler_exception_to_error_data
from mcp.shared.transport_context import TransportContext
from mcp_types import INTERNAL_ERROR, ErrorData, RequestId

logger = logging.getLogger(__name__)

_PIPE = TransportContext(kind="stdio", can_send_request=False)
_MAX_REPORTS = 64
_MAX_ANSWERS = 32
"""Requests of one server that we answer at the same time."""


@dataclass(slots=True, kw_only=True)
class Inbound:
    """The SDK's `DispatchContext` for one request or notification of the server; there is no asking back."""

    request_id: RequestId | None = None
    transport: TransportContext = _PIPE
    can_send_request: bool = False
    message_metadata: None = None
    cancel_requested: anyio.Event = field(default_factory=anyio.Event)

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> dict[str, Any]:
        raise NoBackChannelError(method)

    async def notify(self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None) -> None:
        """Nothing is owed to a server while we answer it."""

    async def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """We answer at once, or not at all."""


class Answers:
    """Answers a server's requests, each in a task of its own, through the session's `on_request`."""

    def __init__(self, write: Callable[[Mapping[str, Any]], None]) -> None:
        self._write = write
        self._tasks: dict[RequestId, asyncio.Task[None]] = {}

    def begin(
        self, on_request: OnRequest, request_id: RequestId, method: str, params: Mapping[str, Any] | None
    ) -> None:
        if len(self._tasks) >= _MAX_ANSWERS:
            self._refuse(request_id, ErrorData(code=INTERNAL_ERROR, message="too many requests at once"))
            return
        key = coerce_request_id(request_id)
        task = asyncio.ensure_future(self._answer(on_request, request_id, method, params))
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    def cancel(self, request_id: RequestId) -> None:
        if (task := self._tasks.get(request_id)) is not None:
            task.cancel()

    def close(self) -> None:
        for task in list(self._tasks.values()):
            task.cancel()

    async def _answer(
        self, on_request: OnRequest, request_id: RequestId, method: str, params: Mapping[str, Any] | None
    ) -> None:
        try:
            result = await on_request(Inbound(request_id=request_id), method, params)
        except Exception as error:  # whatever goes wrong on our side, the server is owed an answer
            known = handler_exception_to_error_data(error)
            if known is None:
                logger.exception("answering the server's %s failed", method)
            self._refuse(request_id, known or ErrorData(code=INTERNAL_ERROR, message="internal error"))
        else:
            self._write({"jsonrpc": "2.0", "id": request_id, "result": result})

    def _refuse(self, request_id: RequestId, error: ErrorData) -> None:
        said = error.model_dump(mode="json", exclude_none=True)
        self._write({"jsonrpc": "2.0", "id": request_id, "error": said})


class ProgressFeed:
    """Hands one call's progress reports to its caller, in order; when the caller is slow the oldest are dropped."""

    def __init__(self, report: ProgressFnT) -> None:
        self._report = report
        self._waiting: deque[tuple[float, float | None, str | None]] = deque(maxlen=_MAX_REPORTS)
        self._task: asyncio.Task[None] | None = None

    def hear(self, params: Mapping[str, Any]) -> None:
        """Take the params of one `notifications/progress`; malformed ones are ignored."""
        progress, total, message = params.get("progress"), params.get("total"), params.get("message")
        if not isinstance(progress, int | float):
            return
        whole = float(total) if isinstance(total, int | float) else None
        self._waiting.append((float(progress), whole, message if isinstance(message, str) else None))
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._hand_over())

    async def close(self, *, seconds: float) -> None:
        """Hand over what came before the answer, but do not wait for ever."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=seconds)
            self._task.cancel()

    async def _hand_over(self) -> None:
        while self._waiting:
            try:
                await self._report(*self._waiting.popleft())
            except Exception:  # the caller's callback: its failure costs one report, never the call
                logger.exception("a progress callback failed")
