"""`Runs`: the runs that this process works on: start, resume, cancel, follow, and an orderly end of all."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from agent import event as kinds
from agent.deps import Deps
from agent.errors import AgentError, UnknownRun, WrongMoment
from agent.event import Event, Recorded
from agent.hub import Hub
from agent.journal import RunRecord
from agent.options import Options, Status
from agent.run import Drain, Run, begin, pursue, resume_run, state_of
from agent.state import RunState

logger = logging.getLogger(__name__)

_DRAIN_S = 20.0


class Runs:
    """Each run is a task here; what it does is in the journal. Made by `open_runs`."""

    def __init__(self, deps: Deps, hub: Hub, tasks: asyncio.TaskGroup) -> None:
        self.deps = deps
        self.hub = hub
        self._tasks = tasks
        self._working: dict[str, asyncio.Task[None]] = {}
        self._drain = Drain()

    async def start(self, goal: str, options: Options | None = None) -> str:
        """Begin a run in the background; its id."""
        run = await begin(goal, self.deps, options=options)
        self._begin(run.run_id, pursue(run, self.deps, drain=self._drain))
        return run.run_id

    def resume(self, run_id: str, *, by: str = "") -> None:
        """Go on with a run in the background.

        Raises:
            WrongMoment: this process is at work on it.
        """
        if run_id in self._working:
            raise WrongMoment(f"run {run_id!r} is being worked on")
        self._begin(run_id, resume_run(run_id, self.deps, by=by, drain=self._drain))

    def _begin(self, run_id: str, work: Coroutine[Any, Any, Run]) -> None:
        task = self._tasks.create_task(self._guarded(run_id, work), name=f"run {run_id}")
        self._working[run_id] = task
        task.add_done_callback(lambda _: self._working.pop(run_id, None))

    async def _guarded(self, run_id: str, work: Coroutine[Any, Any, Run]) -> None:
        try:
            await work
        except AgentError as error:
            logger.warning("run %s: %s", run_id, error)
        # One run that breaks must not take the others down: it is the run's failure, and its journal says so.
        except Exception as error:
            logger.exception("run %s broke", run_id)
            await self.write(
                run_id, kinds.StatusChanged(status=Status.FAILED, reason=f"{type(error).__name__}: {error}")
            )

    async def write(self, run_id: str, *events: Event) -> None:
        """Append what somebody outside the run has decided, and tell its followers."""
        for recorded in await self.deps.journal.append(run_id, events):
            self.hub.tell(run_id, recorded)

    async def cancel(self, run_id: str) -> None:
        """End a run for good. A call that it waits for may still have its effect; the ledger then says so.

        Raises:
            UnknownRun: there is no such run. WrongMoment: it has ended.
        """
        if (await self.state(run_id)).status.final:
            raise WrongMoment(f"run {run_id!r} has ended already")
        if task := self._working.get(run_id):
            task.cancel()
            await asyncio.wait({task})
        await self.write(run_id, kinds.StatusChanged(status=Status.CANCELLED, reason="cancelled"))

    async def state(self, run_id: str) -> RunState:
        """Raises:
        UnknownRun: there is no such run.
        """
        return await state_of(run_id, self.deps)

    async def record(self, run_id: str) -> RunRecord:
        """Raises:
        UnknownRun: there is no such run.
        """
        record = await self.deps.journal.run(run_id)
        if record is None:
            raise UnknownRun(f"there is no run {run_id!r}")
        return record

    def at_work(self, run_id: str) -> bool:
        """Whether this process is at work on it."""
        return run_id in self._working

    async def wait(self, run_id: str) -> None:
        """Until this process is no longer at work on it."""
        if task := self._working.get(run_id):
            await asyncio.wait({task})

    def follow(self, run_id: str, *, after: int = 0, to_the_end: bool = True) -> AsyncGenerator[Recorded | str]:
        """See `Hub.follow`."""
        return self.hub.follow(run_id, self.deps.journal, after=after, to_the_end=to_the_end)

    async def drain(self) -> None:
        """Let every run stop after the step that it is at, and wait for that."""
        self._drain.request()
        if self._working:
            _, late = await asyncio.wait(self._working.values(), timeout=_DRAIN_S)
            for task in late:
                task.cancel()
        self.hub.close()


@asynccontextmanager
async def open_runs(deps: Deps, hub: Hub) -> AsyncGenerator[Runs]:
    """A place for runs; when its block ends they are drained, and can be resumed later.

    `deps.listen` is `hub.tell`.
    """
    async with asyncio.TaskGroup() as tasks:
        runs = Runs(deps, hub, tasks)
        try:
            yield runs
        finally:
            await runs.drain()
