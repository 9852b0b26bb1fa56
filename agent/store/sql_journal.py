"""`SqlJournal`: the journal over a database; what `append` has returned from survives the end of the process."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from agent.errors import StoreError
from agent.event import Event, Recorded
from agent.journal import RunRecord
from agent.options import Status
from agent.store import events as tables
from agent.store import lease as leases
from agent.store.database import Database, Session
from agent.store.lease import Lease
from agent.store.reader import Reader
from agent.store.schema import RUNS
from agent.store.writer import Operation, T, Writer
from mcp_registry.any_text import storable

LEASE_S = 30.0
_AT_ONCE = 20
"""So many runs are deleted in one transaction: others wait for it."""

Clock = Callable[[], float]


class SqlJournal:
    """Runs of any number of processes in one database; `agent.store.open_journal` makes it."""

    def __init__(self, database: Database, writer: Writer, reader: Reader, *, clock: Clock = time.time) -> None:
        self._database = database
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._held: dict[str, str] = {}

    async def append(self, run_id: str, events: Sequence[Event]) -> list[Recorded]:
        """Keep events in their order, all or none; also brings the run's record up to date with them.

        Raises:
            StoreError: another process works on the run, or the database cannot be written.
        """
        run_id, writing = storable(run_id), tables.written(events)

        def write(session: Session) -> list[Recorded]:
            now = self._clock()
            self._database.lock_run(session, run_id)
            known = tables.known(session, run_id)
            leases.check(run_id, known.lease, self._held.get(run_id), now)
            return tables.append(session, known, writing, now)

        return await self._writer.do(write, key=run_id)

    async def events(self, run_id: str, *, after: int = 0) -> list[Recorded]:
        """The run's events with a `seq` beyond `after`, in order; none when there is no such run.

        Raises:
            StoreError: one of them cannot be read, by this version at least.
        """
        run_id = storable(run_id)
        return await self._reader.ask(lambda session: tables.recorded(run_id, tables.read(session, run_id, after)))

    async def run(self, run_id: str) -> RunRecord | None:
        """The record of one run."""
        run_id = storable(run_id)
        return await self._reader.ask(lambda session: tables.find(session, run_id))

    async def runs(self, *, limit: int = 50, status: Status | None = None) -> list[RunRecord]:
        """The newest runs first."""
        return await self._reader.ask(lambda session: tables.newest(session, limit, status))

    async def abandoned(self, *, limit: int = 1000) -> list[RunRecord]:
        """Runs whose status says that they run, and on which nobody works: their process was killed. Newest first."""
        now = self._clock()
        found = await self._reader.ask(lambda session: tables.abandoned(session, limit))
        return [record for record, holder, until in found if holder is None or Lease("", holder, until).ended(now)]

    @asynccontextmanager
    async def lease(self, run_id: str, *, seconds: float = LEASE_S) -> AsyncGenerator[None]:
        """Be the only one who works on the run until the block ends; it is renewed behind the block's back.

        While a run is leased, only this journal appends to it. One that is lost (the process slept for longer than
        the lease, and another took over) is noticed by the next `append`, so before any other call of a tool.
        The clocks of the machines that share a database must agree to within the lease.

        Raises:
            StoreError: another works on the run.
        """
        run_id, owner = storable(run_id), uuid4().hex
        held = Lease(owner, leases.this_process(), self._clock() + seconds)
        try:
            await self._locked(run_id, lambda session: leases.take(session, run_id, held, self._clock()))
            async with self._kept(run_id, owner, seconds):
                yield
        finally:
            with suppress(StoreError):  # the database is away: the lease will end by itself
                await self._locked(run_id, lambda session: leases.release(session, run_id, owner))

    async def delete_run(self, run_id: str) -> bool:
        """Whether there was such a run; it is gone now.

        Raises:
            StoreError: another process works on it.
        """
        return bool(await self._delete([storable(run_id)]))

    async def prune(self, *, older_than_days: float = 0.0, keep: int = 0, unfinished: bool = False) -> list[str]:
        """The ids of the runs that are deleted now: last changed so long ago, and not among the newest `keep`.

        Runs that could go on (waiting, interrupted, killed) stay unless `unfinished`; those that someone works on do
        in any case. On SQLite the file is made smaller; PostgreSQL keeps the room for what comes.
        """
        before = self._clock() - older_than_days * 86_400
        found = await self._reader.ask(
            lambda session: tables.past_keeping(session, before, keep, unfinished=unfinished)
        )
        gone: list[str] = []
        for start in range(0, len(found), _AT_ONCE):
            gone += await self._delete(found[start : start + _AT_ONCE], skip=True)
        if gone:
            await self._writer.do(self._database.give_back, alone=True)
        return gone

    async def size(self) -> int:
        """Bytes on disk of all runs together."""
        return await self._reader.ask(lambda session: self._database.size(session, RUNS.tables))

    async def _delete(self, run_ids: Sequence[str], *, skip: bool = False) -> list[str]:
        def delete(session: Session) -> list[str]:
            now = self._clock()
            gone: list[str] = []
            for run_id in run_ids:
                self._database.lock_run(session, run_id)
                try:
                    leases.check(run_id, leases.stored(session, run_id), None, now)
                except StoreError:
                    if not skip:
                        raise
                    continue
                if tables.delete(session, run_id):
                    gone.append(run_id)
            return gone

        return await self._writer.do(delete, key=run_ids[0])

    @asynccontextmanager
    async def _kept(self, run_id: str, owner: str, seconds: float) -> AsyncGenerator[None]:
        self._held[run_id] = owner
        renewer = asyncio.create_task(self._keep_renewing(run_id, owner, seconds), name=f"lease of {run_id}")
        try:
            yield
        finally:
            renewer.cancel()
            await asyncio.wait({renewer})
            del self._held[run_id]

    async def _keep_renewing(self, run_id: str, owner: str, seconds: float) -> None:
        held = True
        while held:
            await asyncio.sleep(seconds / 3)
            try:
                held = await self._locked(
                    run_id, lambda session: leases.renew(session, run_id, owner, self._clock() + seconds)
                )
            except StoreError:
                continue  # the database is away: whoever appends is told, and the next renewal may succeed

    async def _locked(self, run_id: str, operation: Operation[T]) -> T:
        def work(session: Session) -> T:
            self._database.lock_run(session, run_id)
            return operation(session)

        return await self._writer.do(work, key=run_id)
