"""`open_local_fleet`: workers as processes of this machine. One that dies is replaced, and its jobs are done again."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rl_trainer.errors import WorkerFailed
from rl_trainer.fleet.fleet import FleetSettings
from rl_trainer.fleet.frames import Done, Failed, Ready, Said, pack, read_said
from rl_trainer.fleet.frames import Job as JobFrame
from rl_trainer.fleet.process import WorkerProcess, open_worker

_STILLBORN = 3
"""Workers in a row that die before they are ready: then it is no accident."""


@dataclass(slots=True, order=True)
class _Job:
    number: int
    payload: bytes = field(compare=False)
    result: asyncio.Future[bytes] = field(compare=False)
    deaths: int = field(compare=False, default=0)
    watch: asyncio.TimerHandle | None = field(compare=False, default=None)

    def let_go(self) -> None:
        """No worker has it any more."""
        if self.watch is not None:
            self.watch.cancel()
            self.watch = None


class LocalFleet:
    """A `Fleet`. Jobs are given out in the order in which they came; one that is done again goes first."""

    def __init__(self, work: str, settings: FleetSettings) -> None:
        self._work, self._settings = work, settings
        self._waiting: asyncio.PriorityQueue[_Job] = asyncio.PriorityQueue()
        self._unfinished: dict[int, _Job] = {}
        self._running: dict[int, WorkerProcess] = {}
        self._numbers = 0
        self._stillborn = 0
        self._fault = ""
        self.replaced = 0

    @property
    def pids(self) -> list[int]:
        """The processes of its workers."""
        return [worker.pid for worker in self._running.values()]

    async def run(self, job: bytes) -> bytes:
        if self._fault:
            raise WorkerFailed(self._fault)
        self._numbers += 1
        made = _Job(self._numbers, job, asyncio.get_running_loop().create_future())
        self._unfinished[made.number] = made
        self._waiting.put_nowait(made)
        try:
            return await made.result
        finally:
            self._unfinished.pop(made.number, None)

    async def keep(self, place: int) -> None:
        """Have a worker at this place, and another when it dies, until this is cancelled or none can be had."""
        while not self._fault:
            at_work: dict[int, _Job] = {}
            async with open_worker(self._work) as worker:
                self._running[place] = worker
                try:
                    await self._session(worker, at_work)
                finally:
                    del self._running[place]
                    for job in at_work.values():
                        job.let_go()
            self.replaced += 1
            self._give_again(list(at_work.values()), worker.process.returncode or 0)

    async def _session(self, worker: WorkerProcess, at_work: dict[int, _Job]) -> None:
        """Give the worker jobs, and take what comes of them, until it has gone."""
        lanes = asyncio.Semaphore(self._settings.lanes)
        said = await read_said(worker.reader)
        if not isinstance(said, Ready):
            self._count_stillborn(said)
            return
        self._stillborn = 0
        giving = asyncio.create_task(self._give(worker, lanes, at_work))
        try:
            while (said := await read_said(worker.reader)) is not None:
                self._settle(said, lanes, at_work)
        finally:
            giving.cancel()
            await asyncio.gather(giving, return_exceptions=True)

    async def _give(self, worker: WorkerProcess, lanes: asyncio.Semaphore, at_work: dict[int, _Job]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await lanes.acquire()
            job = await self._waiting.get()
            if job.result.done():  # whoever wanted it has gone
                lanes.release()
                continue
            at_work[job.number] = job
            # A worker that hangs is ended, and then it is as one that died. Its socket is closed with it.
            job.watch = loop.call_later(self._settings.job_s, worker.kill)
            worker.writer.write(pack(JobFrame(number=job.number, payload=job.payload)))
            await worker.writer.drain()

    def _settle(self, said: Said, lanes: asyncio.Semaphore, at_work: dict[int, _Job]) -> None:
        if isinstance(said, Ready) or said.number is None:
            return
        job = at_work.pop(said.number)
        job.let_go()
        lanes.release()
        if job.result.done():
            return
        if isinstance(said, Done):
            job.result.set_result(said.payload)
        else:
            job.result.set_exception(WorkerFailed(f"{self._work} raised {said.error}\n{said.trace}".rstrip()))

    def _give_again(self, jobs: list[_Job], code: int) -> None:
        for job in jobs:
            job.let_go()
            job.deaths += 1
            if job.result.done():
                continue
            if job.deaths > self._settings.retries:
                job.result.set_exception(
                    WorkerFailed(
                        f"{job.deaths} workers died while they did a job of {self._work}, the last one by "
                        f"{_how(code)}: see their output above, and whether memory ran out"
                    )
                )
            else:
                self._waiting.put_nowait(job)

    def ended(self, task: "asyncio.Task[None]") -> None:
        """A place is without a worker for good; if that is an accident, everyone who waits is told."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(f"no worker can be had: {type(error).__name__}: {error}")

    def _count_stillborn(self, said: Said | None) -> None:
        self._stillborn += 1
        if isinstance(said, Failed):
            self._fail(said.error)
        elif self._stillborn >= _STILLBORN:
            self._fail(f"{self._stillborn} workers in a row ended before they were ready for {self._work}")

    def _fail(self, fault: str) -> None:
        self._fault = fault
        for job in list(self._unfinished.values()):
            if not job.result.done():
                job.result.set_exception(WorkerFailed(fault))


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


@asynccontextmanager
async def open_local_fleet(work: str, settings: FleetSettings | None = None) -> AsyncGenerator[LocalFleet]:
    """Workers that do `module:function`, an async function from bytes to bytes; gone when the block is left."""
    settings = settings or FleetSettings()
    fleet = LocalFleet(work, settings)
    keeping = [asyncio.create_task(fleet.keep(place)) for place in range(settings.workers)]
    for task in keeping:
        task.add_done_callback(fleet.ended)
    try:
        yield fleet
    finally:
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
