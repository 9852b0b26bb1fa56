"""`Keeper`: the one task that enters a connection's scopes, and leaves them again.

The SDK's scopes must be left by the task that entered them, wrap what is raised inside them into groups, and cancel
their task when something of theirs breaks. So they get a task of their own, and nobody else ever stands inside.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal

import mcp_types as types
from mcp.client._probe import negotiate_auto
from mcp.client.session import ClientSession, IncomingMessage
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from mcp_registry.server import Http, ServerSpec, Stdio
from mcp_registry.transports.finish import finish
from mcp_registry.transports.http import open_http
from mcp_registry.transports.link import Link, Lost
from mcp_registry.transports.stdio import open_stdio

if TYPE_CHECKING:
    from mcp.shared.dispatcher import CallOptions

logger = logging.getLogger(__name__)

Era = Literal["legacy", "modern"]

_PROBE_S = 2.0
"""A child's answer to `server/discover`: an older server may never give one. A newer one that is still starting then
refuses the older handshake, and is asked again: no time is lost."""
_LEAVE_S = 10.0
_RELISTEN_S = (1.0, 60.0)
"""The first and the longest pause before a lost subscription is opened again."""


class Keeper:
    """Opens one server and keeps it open until it ends, or until `leave`."""

    def __init__(self, spec: ServerSpec, *, era: Era | None, heard: Callable[[], None] | None) -> None:
        self._spec = spec
        self._era: Era | None = era
        self._heard = heard
        self._link: Link | None = None
        self._session: ClientSession | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def opened(self) -> tuple[Link, ClientSession]:
        assert self._link is not None
        assert self._session is not None
        return self._link, self._session

    def said(self) -> str:
        return self._link.said() if self._link is not None else ""

    async def open(self, seconds: float) -> None:
        """Start, and agree on a protocol version; on any failure everything is closed again first.

        Raises:
            TimeoutError, OSError, MCPError, ValidationError, RuntimeError: as the outside failed.
        """
        self._task = asyncio.create_task(self._keep(), name=f"server {self._spec.name}")
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(self._ready)
        except BaseException:
            await self.leave()
            raise

    async def leave(self) -> None:
        """Close, in bounded time; finished even if the caller is cancelled meanwhile."""
        self._over.set()
        if self._task is not None:
            await finish(self._leave(self._task))

    async def _leave(self, task: asyncio.Task[None]) -> None:
        if self._session is None:
            task.cancel()  # still opening: it waits for the server, not for us
        await asyncio.wait({task}, timeout=_LEAVE_S)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_LEAVE_S)
            logger.warning("server %s took more than %g s to close", self._spec.name, _LEAVE_S)

    async def _keep(self) -> None:
        try:
            async with self._open_link() as link:
                self._link = link
                client = types.Implementation(name="quartermaster", version=_version())
                async with ClientSession(
                    dispatcher=link.dispatcher, message_handler=self._hear, client_info=client
                ) as session:
                    if await self._agree(session):
                        self._session = session
                        self._ready.set_result(None)
                        await self._stay(link, session)
        except Exception as error:  # noqa: BLE001 - the task's boundary: what fails is told to whoever waits for it
            self._fail(_first(error))
        finally:
            self._fail(Lost("it was closed", sent=False))
            if self._link is not None and not self._link.ended.done():
                self._link.ended.set_result("it was closed")

    def _open_link(self) -> AbstractAsyncContextManager[Link]:
        limits = self._spec.limits
        match self._spec.transport:
            case Stdio() as stdio:
                deadlines = {"server/discover": _PROBE_S}
                return open_stdio(stdio, max_message_bytes=limits.max_message_bytes, deadlines=deadlines)
            case Http() as http:
                return open_http(http, limits=limits)

    async def _agree(self, session: ClientSession) -> bool:
        """Whether there is a protocol version that both sides speak; its failure must not pass through the scopes."""
        try:
            if self._era == "legacy":
                await session.initialize()
            else:
                await negotiate_auto(session)
        except (MCPError, ValidationError, RuntimeError) as error:
            self._fail(error)
            return False
        return True

    async def _stay(self, link: Link, session: ClientSession) -> None:
        over = asyncio.create_task(self._over.wait())
        listening = asyncio.create_task(self._listen(link, session))
        try:
            await asyncio.wait({over, link.ended}, return_when=asyncio.FIRST_COMPLETED)
            listening.cancel()
            patience = asyncio.get_running_loop().time() + self._spec.limits.call_s
            while link.busy() and not over.done() and asyncio.get_running_loop().time() < patience:
                await asyncio.wait({over}, timeout=0.05)
        finally:
            over.cancel()
            listening.cancel()
            if not link.ended.done():
                link.ended.set_result("it was closed")
        await asyncio.wait({listening})

    async def _hear(self, message: IncomingMessage) -> None:
        if isinstance(message, types.ToolListChangedNotification) and self._heard is not None:
            self._heard()

    async def _listen(self, link: Link, session: ClientSession) -> None:
        """Keep a newer server's `subscriptions/listen` open, as long as it has one."""
        if self._heard is None or session.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            return
        shortest, longest = _RELISTEN_S
        pause, number, loop = shortest, 0, asyncio.get_running_loop()
        while not link.ended.done():
            number, began = number + 1, loop.time()
            try:
                await _subscribe(link, session, f"tools-{number}")
            except Lost as lost:
                if not lost.sent:
                    return
            except MCPError:
                return  # it has no subscriptions: nothing will be heard, and the timer still looks
            pause = shortest if loop.time() - began > longest else min(pause * 2, longest)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - it spreads load, and guards nothing
            self._heard()  # nothing is replayed, so what changed meanwhile was not heard

    def _fail(self, error: BaseException) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # looked at, for asyncio's sake: the opener may have given up


async def _subscribe(link: Link, session: ClientSession, request_id: str) -> None:
    """Returns when the server ends the subscription."""
    method = "subscriptions/listen"
    wanted = types.SubscriptionFilter(tools_list_changed=True).model_dump(by_alias=True, exclude_none=True)
    params: dict[str, Any] = {"notifications": wanted}
    options: CallOptions = {"request_id": request_id}
    session._stamp({"method": method, "params": params}, options)  # pyright: ignore[reportPrivateUsage]
    await link.dispatcher.send_raw_request(method, params, options)


def _first(error: Exception) -> Exception:
    """The cause inside the groups that the SDK's scopes wrap around it."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _version() -> str:
    try:
        return version("quartermaster")
    except PackageNotFoundError:
        return "0"
