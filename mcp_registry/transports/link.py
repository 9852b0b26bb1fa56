"""`Link`: a channel to one server that is up, and the three ways in which a request over it can fail on our side.

The failures are `MCPError`s, so that the SDK's own code treats them as what they are to it: a request without a result.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from mcp.shared.dispatcher import Dispatcher
from mcp.shared.exceptions import MCPError
from mcp.shared.transport_context import TransportContext
from mcp_types import CONNECTION_CLOSED, INTERNAL_ERROR, REQUEST_TIMEOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A channel to one server: requests go through `dispatcher` until `ended` is done."""

    dispatcher: Dispatcher[TransportContext]
    ended: asyncio.Future[str]
    """Done when the channel is gone; its result says why."""
    said: Callable[[], str]
    """What the server printed last outside the protocol; empty where it cannot be heard."""
    busy: Callable[[], bool]
    """Whether requests may still be answered though the channel has ended for new ones."""


class Lost(MCPError):
    """The channel is gone; `sent` is False only where the request certainly never left."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(CONNECTION_CLOSED, reason)
        self.sent = sent


class TimedOut(MCPError):
    """No answer within the request's own deadline; `sent` is False only where the request certainly never left."""

    def __init__(self, method: str, seconds: float, *, sent: bool = True) -> None:
        super().__init__(REQUEST_TIMEOUT, f"no answer to {method} within {seconds:g} s")
        self.seconds = seconds
        self.sent = sent


class HttpRefused(MCPError):
    """An HTTP status instead of an answer. Below 500, whoever stands at that URL did not take the request."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(INTERNAL_ERROR, reason)
        self.status = status


def may_have_run(error: MCPError) -> bool:
    """Whether the server may have done what the failed request asked for, though nobody knows."""
    match error:
        case Lost() | TimedOut():
            return error.sent
        case HttpRefused():
            return error.status >= 500
        case _:
            return False
