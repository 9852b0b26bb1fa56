"""`Session`: one server of the pool. Opened on first use, shared, closed when idle, opened again when it is needed."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_registry.connection import Connection, open_connection
from mcp_registry.errors import DeadlineExceeded, MissingSecret, RegistryError, Unreachable
from mcp_registry.server import ServerSpec, Stdio

if TYPE_CHECKING:
    from mcp_registry.transports.keeper import Era

logger = logging.getLogger(__name__)

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 60.0
"""After a failure nobody tries again for so long; doubled by each further failure."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Life:
    """One connection from its opening to its end, and the one task that owns it."""

    ready: asyncio.Future[Connection]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    kindly: bool = False
    """Whether stopping waits for the calls that run."""
    task: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        """Whether the next caller needs another one."""
        if self.stop.is_set() or not self.ready.done():
            return self.stop.is_set()
        return self.ready.exception() is not None or self.ready.result().closed

    def fail(self, error: RegistryError) -> None:
        if not self.ready.done():
            self.ready.set_exception(error)
            self.ready.exception()  # looked at, for asyncio's sake: its callers may have given up


class Session:
    """A server by its spec, its connection while it has one, and what is remembered of it in between."""

    def __init__(
        self, spec: ServerSpec, *, environment: Mapping[str, str] | None, on_tools_changed: Callable[[str], None] | None
    ) -> None:
        self.spec = spec
        self._environment = environment
        self._on_tools_changed = on_tools_changed
        self._era: Era | None = None
        self._life: _Life | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._checker: asyncio.Task[None] | None = None
        self._in_use = 0
        self._used_at = 0.0
        self._failures = 0
        self._retry_at = 0.0
        self._last_failure = ""

    @property
    def watched(self) -> bool:
        return self._watcher is not None

    async def connection(self, *, force: bool = False) -> Connection:
        """The open connection, made if there is none. `force` tries even if the last try failed a moment ago.

        Raises:
            RegistryError: it cannot be opened, for the reason that the message gives.
        """
        life = self._life
        if life is None or life.over:
            self._refuse_too_early(force=force)
            before = life.task if life is not None else None
            life = self._life = _Life(ready=asyncio.get_running_loop().create_future())
            life.task = asyncio.create_task(self._own(life, before), name=f"session {self.spec.name}")
        # Shielded: the opening is shared, so a caller that gives up must not end it for the others.
        return await asyncio.shield(life.ready)

    @contextlib.contextmanager
    def in_use(self) -> Generator[None]:
        """Keeps the connection from being closed as idle."""
        self._in_use += 1
        try:
            yield
        finally:
            self._in_use -= 1
            self._used_at = asyncio.get_running_loop().time()

    def watch(self) -> None:
        """Keep it open from now on, and open it again when it is lost."""
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch(), name=f"watch {self.spec.name}")

    def suspect(self, connection: Connection) -> None:
        """A call had no answer in time: find out whether the server hangs, and if so end it, to be started afresh.

        Only a process of ours can be started afresh, so only that is ended.
        """
        life, idle = self._life, self._checker is None or self._checker.done()
        if idle and life is not None and isinstance(self.spec.transport, Stdio):
            self._checker = asyncio.create_task(self._check(connection, life), name=f"check {self.spec.name}")

    async def close(self, *, kindly: bool = False) -> None:
        """Close the connection: at once, or `kindly` when the calls that run have their answers. In bounded time."""
        for task in (self._watcher, self._checker):
            if task is not None:
                task.cancel()
        self._watcher = None
        if (life := self._life) is not None and life.task is not None:
            life.kindly = kindly
            life.stop.set()
            if not kindly and not life.ready.done():
                life.task.cancel()  # still opening: nobody needs it any more
            await asyncio.wait({life.task})

    async def _own(self, life: _Life, before: asyncio.Task[None] | None) -> None:
        """Enter, tell, wait, leave: the whole of one connection, in one task."""
        if before is not None:
            await asyncio.wait({before})  # two processes of one server may not bear each other
        try:
            async with open_connection(
                self.spec, environment=self._environment, on_tools_changed=self._hear, era=self._era
            ) as connection:
                self._era, self._used_at = connection.era, asyncio.get_running_loop().time()
                life.ready.set_result(connection)
                await self._until_over(connection, life)
                life.stop.set()  # from here on a caller needs another one
                self._count(connection)
        except RegistryError as error:
            self._era = None
            if not isinstance(error, MissingSecret):
                self._count_failure(str(error))
            life.fail(error)
        except Exception as error:  # the task's boundary: whoever waits must hear of it, whatever it is
            logger.exception("the session with %s broke", self.spec.name)
            life.fail(Unreachable(f"server {self.spec.name!r} cannot be used: {type(error).__name__}"))
        finally:
            life.fail(Unreachable(f"server {self.spec.name!r} was closed"))

    async def _until_over(self, connection: Connection, life: _Life) -> None:
        stopped = asyncio.create_task(life.stop.wait())
        closed = asyncio.create_task(connection.wait_closed())
        idle_s, loop = self.spec.limits.idle_s, asyncio.get_running_loop()
        try:
            while not (stopped.done() or closed.done()):
                since = 0.0 if self._in_use or self.watched else loop.time() - self._used_at
                if since >= idle_s:
                    return
                await asyncio.wait({stopped, closed}, timeout=idle_s - since, return_when=asyncio.FIRST_COMPLETED)
            patience = loop.time() + self.spec.limits.call_s
            while life.kindly and self._in_use and not closed.done() and loop.time() < patience:
                await asyncio.wait({closed}, timeout=0.05)
        finally:
            stopped.cancel()
            closed.cancel()

    async def _check(self, connection: Connection, life: _Life) -> None:
        answers = connection.answers
        try:
            await connection.check(seconds=self.spec.limits.call_s)
        except DeadlineExceeded:
            if connection.answers == answers and not life.stop.is_set():
                logger.warning("server %s hangs and is ended", self.spec.name)
                life.stop.set()
        except Unreachable:
            pass  # it has ended by itself meanwhile

    async def _watch(self) -> None:
        missed = False
        while True:
            try:
                connection = await self.connection()
            except RegistryError as error:
                logger.info("watching %s: %s", self.spec.name, error)
                missed = True
                wait = self._retry_at - asyncio.get_running_loop().time()
                await asyncio.sleep(wait if wait > 0 else _LONGEST_PAUSE_S)
                continue
            if missed:
                self._hear()  # what changed while it was away was not heard
            reason = await connection.wait_closed()
            logger.info("watching %s: lost, %s", self.spec.name, reason)
            missed = True

    def _hear(self) -> None:
        if self._on_tools_changed is not None:
            try:
                self._on_tools_changed(self.spec.name)
            except Exception:  # the caller's callback: its failure costs one notice, never the connection
                logger.exception("hearing that the tools of %s changed failed", self.spec.name)

    def _refuse_too_early(self, *, force: bool) -> None:
        wait = self._retry_at - asyncio.get_running_loop().time()
        if wait > 0 and not force:
            raise Unreachable(f"{self._last_failure} (next try in {wait:.1f} s)")

    def _count(self, connection: Connection) -> None:
        """A connection that answered anything was a good one. One that was lost before may be bad luck, once."""
        if connection.answers:
            self._failures, self._retry_at = 0, 0.0
        elif connection.closed:
            self._count_failure(f"server {self.spec.name!r} went away: {connection.reason}", forgiven=1)

    def _count_failure(self, why: str, *, forgiven: int = 0) -> None:
        self._failures += 1
        if self._failures > forgiven:
            pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(self._failures - 1, 16))
            self._retry_at = asyncio.get_running_loop().time() + pause * random.uniform(0.75, 1.25)  # noqa: S311
            self._last_failure = why
