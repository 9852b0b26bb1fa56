"""`Journal`: where the events of runs are kept, append-only and durable; and one in memory, for tests and training."""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import msgspec

from agent import event as kinds
from agent.errors import StoreError
from agent.event import Event, Recorded
from agent.options import Status


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of runs shows. Times are UTC seconds since 1970."""

    id: str
    goal: str
    status: Status
    created_at: float
    updated_at: float
    parent: str | None = None
    answer: str | None = None
    tokens: int = 0
    cost: float = 0.0


class Journal(Protocol):
    """The runs and their events. What `append` has returned from is on disk."""

    async def append(self, run_id: str, events: Sequence[Event]) -> list[Recorded]:
        """Keep events in their order, all or none; also brings the run's record up to date with them."""
        ...

    async def events(self, run_id: str, *, after: int = 0) -> list[Recorded]:
        """The run's events with a `seq` beyond `after`, in order; none when there is no such run."""
        ...

    async def run(self, run_id: str) -> RunRecord | None:
        """The record of one run."""
        ...

    async def runs(self, *, limit: int = 50, status: Status | None = None) -> list[RunRecord]:
        """The newest runs first."""
        ...

    def lease(self, run_id: str, *, seconds: float = 30.0) -> AbstractAsyncContextManager[None]:
        """Be the only one who works on the run until the block ends: nobody else appends to it, in any process.

        Raises:
            StoreError: another works on the run.
        """
        ...

    async def delete_run(self, run_id: str) -> bool:
        """Whether there was such a run; it is gone now.

        Raises:
            StoreError: somebody works on it.
        """
        ...

    async def prune(self, *, older_than_days: float = 0.0, keep: int = 0, unfinished: bool = False) -> list[str]:
        """The ids of the runs that are deleted now: last changed so long ago, and not among the newest `keep`.

        Runs that could go on (waiting, interrupted, killed) stay unless `unfinished`; those that somebody works on
        do in any case.
        """
        ...


class MemoryJournal:
    """Keeps nothing beyond the process."""

    def __init__(self) -> None:
        self._events: dict[str, list[Recorded]] = {}
        self._records: dict[str, RunRecord] = {}
        self._leased: set[str] = set()

    async def append(self, run_id: str, events: Sequence[Event]) -> list[Recorded]:
        if not events:
            return []
        log = self._events.setdefault(run_id, [])
        now = time.time()
        new = [Recorded(seq=len(log) + place, at=now, event=event) for place, event in enumerate(events, 1)]
        log.extend(new)
        record = self._records.get(run_id) or RunRecord(
            id=run_id, goal="", status=Status.RUNNING, created_at=now, updated_at=now
        )
        self._records[run_id] = after_events(record, new)
        return new

    async def events(self, run_id: str, *, after: int = 0) -> list[Recorded]:
        return self._events.get(run_id, [])[after:]

    async def run(self, run_id: str) -> RunRecord | None:
        return self._records.get(run_id)

    async def runs(self, *, limit: int = 50, status: Status | None = None) -> list[RunRecord]:
        newest = reversed(self._records.values())
        return [record for record in newest if status is None or record.status is status][:limit]

    @asynccontextmanager
    async def lease(self, run_id: str, *, seconds: float = 30.0) -> AsyncGenerator[None]:
        del seconds
        self._check_free(run_id)
        self._leased.add(run_id)
        try:
            yield
        finally:
            self._leased.remove(run_id)

    async def delete_run(self, run_id: str) -> bool:
        self._check_free(run_id)
        self._events.pop(run_id, None)
        return self._records.pop(run_id, None) is not None

    async def prune(self, *, older_than_days: float = 0.0, keep: int = 0, unfinished: bool = False) -> list[str]:
        before = time.time() - older_than_days * 86_400
        gone = [
            record.id
            for record in (await self.runs(limit=len(self._records)))[keep:]
            if record.updated_at < before and (unfinished or record.status.final) and record.id not in self._leased
        ]
        for run_id in gone:
            await self.delete_run(run_id)
        return gone[::-1]

    def _check_free(self, run_id: str) -> None:
        if run_id in self._leased:
            raise StoreError(f"run {run_id} is being worked on")


def after_events(record: RunRecord, events: Sequence[Recorded]) -> RunRecord:
    """The record as it is after some more events: pure, so that every journal keeps the same."""
    for each in events:
        match each.event:
            case kinds.RunStarted(goal=goal):
                record = msgspec.structs.replace(record, goal=goal)
            case kinds.Forked(parent=parent):
                record = msgspec.structs.replace(record, parent=parent, status=Status.RUNNING, answer=None)
            case kinds.Sampled(usage=usage):
                record = msgspec.structs.replace(
                    record, tokens=record.tokens + usage.tokens, cost=record.cost + usage.cost
                )
            case kinds.Answered(text=text):
                record = msgspec.structs.replace(record, answer=text)
            case kinds.StatusChanged(status=status):
                record = msgspec.structs.replace(record, status=status)
            case _:
                pass
        record = msgspec.structs.replace(record, updated_at=each.at)
    return record
