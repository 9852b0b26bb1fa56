"""`Writer`: one thread that writes, and puts all that waits into one transaction (group commit).

A commit costs about the same for one event as for two hundred, so runs that wait at the same time share it. An
operation refuses (StoreError) before its first write or not at all: a refusal costs the others in its transaction
nothing.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from agent.errors import StoreError
from agent.store.database import Database, Session

T = TypeVar("T")
Operation = Callable[[Session], T]
_TOGETHER = 256


@dataclass(frozen=True, slots=True)
class _Job:
    """`key` orders the jobs of a transaction, so that two processes take their locks in the same order."""

    key: str
    operation: Operation[Any]
    future: asyncio.Future[Any]
    alone: bool


_Outcome = tuple[_Job, Any, Exception | None]


class Writer:
    """Runs operations one after another; what `do` has returned from is committed."""

    def __init__(self, database: Database, loop: asyncio.AbstractEventLoop) -> None:
        self._database = database
        self._loop = loop
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._session: Session | None = None
        self._thread = threading.Thread(target=self._work, name="runs writer", daemon=True)

    async def do(self, operation: Operation[T], *, key: str = "", alone: bool = False) -> T:
        """What the operation returns, once it is committed; `alone`: outside any transaction.

        It is done, in its turn, also for a caller who is cancelled meanwhile: an event that happened stays an event.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Job(key, operation, future, alone))
        return await future

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Wait until everything that was asked for is done."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        going = True
        while going:
            batch = self._waiting()
            going = None not in batch
            jobs = [job for job in batch if job is not None]
            outcomes: list[_Outcome] = []
            together = [job for job in jobs if not job.alone]
            if together:
                outcomes += self._commit(sorted(together, key=lambda job: job.key))
            outcomes += [self._alone(job) for job in jobs if job.alone]
            if outcomes:
                self._tell(outcomes)
        if self._session is not None:
            self._session.connection.close()

    def _waiting(self) -> list[_Job | None]:
        batch = [self._jobs.get()]
        try:
            while len(batch) < _TOGETHER and batch[-1] is not None:
                batch.append(self._jobs.get_nowait())
        except Empty:
            pass
        return batch

    def _commit(self, jobs: Sequence[_Job], *, again: bool = True) -> list[_Outcome]:
        """All in one transaction; where that fails, each in its own."""
        try:
            session = self._connected()
            with self._database.together(session.connection):
                session.run(self._database.begin)
                outcomes = [_done(job, session) for job in jobs]
        except Exception as error:  # noqa: BLE001  a thread's boundary: whoever asked is told
            # Nothing was committed, so nothing is done twice.
            lost = self._undo()
            if lost and again:
                return self._commit(jobs, again=False)
            if lost or len(jobs) == 1:
                return self._all_failed(jobs, error)
            return [outcome for job in jobs for outcome in self._commit([job])]
        try:
            session.run("COMMIT")
        except self._database.errors as error:
            self._undo()
            return self._all_failed(jobs, error)
        return outcomes

    def _alone(self, job: _Job) -> _Outcome:
        try:
            return _done(job, self._connected())
        except Exception as error:  # noqa: BLE001  a thread's boundary: whoever asked is told
            self._undo()
            return self._all_failed([job], error)[0]

    def _connected(self) -> Session:
        if self._session is None:
            self._session = Session(self._database, self._database.connect())
        return self._session

    def _undo(self) -> bool:
        """Leave the transaction, if there is one; whether there is no connection now."""
        session = self._session
        if session is None:
            return True
        with suppress(*self._database.errors):  # none was begun, or the connection is gone
            session.run("ROLLBACK")
        if self._database.is_lost(session.connection):
            self._session = None
            session.connection.close()
        return self._session is None

    def _all_failed(self, jobs: Sequence[_Job], error: Exception) -> list[_Outcome]:
        said = self._database.explain(error) if isinstance(error, self._database.errors) else error
        return [(job, None, said) for job in jobs]

    def _tell(self, outcomes: Sequence[_Outcome]) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it everyone who waited
            self._loop.call_soon_threadsafe(_settle, outcomes)


def _done(job: _Job, session: Session) -> _Outcome:
    try:
        return (job, job.operation(session), None)
    except StoreError as refusal:
        return (job, None, refusal)


def _settle(outcomes: Sequence[_Outcome]) -> None:
    for job, result, error in outcomes:
        if job.future.done():
            continue
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)


@asynccontextmanager
async def open_writer(database: Database) -> AsyncGenerator[Writer]:
    """A running writer; everything asked for is done when the block ends."""
    writer = Writer(database, asyncio.get_running_loop())
    writer.start()
    try:
        yield writer
    finally:
        await asyncio.to_thread(writer.stop)
