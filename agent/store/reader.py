"""`Reader`: queries in a few threads, each with a connection, beside the writer."""

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from queue import Empty, SimpleQueue

from agent.errors import StoreError
from agent.store.database import Database, Session
from agent.store.writer import Operation, T

_THREADS = 2


class Reader:
    """Sees everything that was committed before it is asked."""

    def __init__(self, database: Database, threads: ThreadPoolExecutor) -> None:
        self._database = database
        self._threads = threads
        self._idle: SimpleQueue[Session] = SimpleQueue()

    async def ask(self, query: Operation[T]) -> T:
        """What the query returns."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, query)

    def _ask(self, query: Operation[T]) -> T:
        try:
            session = self._idle.get_nowait()
        except Empty:
            return self._ask_on(self._connected(), query)
        try:
            return self._ask_on(session, query)
        except StoreError:
            if not self._database.is_lost(session.connection):
                raise
            return self._ask_on(self._connected(), query)  # it was lost while nobody used it

    def _connected(self) -> Session:
        try:
            return Session(self._database, self._database.connect())
        except self._database.errors as error:
            raise self._database.explain(error) from None

    def _ask_on(self, session: Session, query: Operation[T]) -> T:
        try:
            return query(session)
        except self._database.errors as error:
            raise self._database.explain(error) from error
        finally:
            if self._database.is_lost(session.connection):
                session.connection.close()
            else:
                self._idle.put(session)

    def close(self) -> None:
        self._threads.shutdown()
        while not self._idle.empty():
            self._idle.get().connection.close()


@asynccontextmanager
async def open_reader(database: Database) -> AsyncGenerator[Reader]:
    """A reader whose connections are made when they are needed."""
    reader = Reader(database, ThreadPoolExecutor(_THREADS, thread_name_prefix="runs reader"))
    try:
        yield reader
    finally:
        await asyncio.to_thread(reader.close)
