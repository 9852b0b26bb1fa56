# pyright: basic, reportMissingImports=false
"""`open_ray_fleet`: workers as Ray actors, on this machine or over the nodes of a cluster."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from rl_trainer.errors import TrainingToolsMissing, WorkerFailed
from rl_trainer.fleet.fleet import FleetSettings
from rl_trainer.fleet.work import Work, open_work


class RayFleet:
    """A `Fleet`. Ray starts an actor that died again; the job that it had is given to whichever has the least to do."""

    def __init__(self, actors: list[Any], work: str, settings: FleetSettings) -> None:
        import ray

        self._ray: Any = ray
        self._actors, self._work, self._settings = actors, work, settings
        self._at_work = [0] * len(actors)
        self._seats = asyncio.Semaphore(len(actors) * settings.lanes)
        self.replaced = 0

    async def run(self, job: bytes) -> bytes:
        errors = self._ray.exceptions
        async with self._seats:
            for _ in range(self._settings.retries + 1):
                place = min(range(len(self._actors)), key=self._at_work.__getitem__)
                self._at_work[place] += 1
                try:
                    async with asyncio.timeout(self._settings.job_s):
                        return await self._actors[place].do.remote(job)
                except (errors.ActorDiedError, errors.ActorUnavailableError, errors.WorkerCrashedError):
                    self.replaced += 1
                except TimeoutError:
                    self._ray.kill(self._actors[place], no_restart=False)
                    self.replaced += 1
                except errors.RayTaskError as error:
                    raise WorkerFailed(f"{self._work} raised {error}") from None
                finally:
                    self._at_work[place] -= 1
        raise WorkerFailed(
            f"{self._settings.retries + 1} workers died or hung while they did a job of {self._work}: see "
            "`ray logs` for their output"
        )

    async def where(self) -> list[str]:
        """The node of each worker."""
        return list(await asyncio.gather(*(actor.where.remote() for actor in self._actors)))


class _Worker:
    """What Ray makes an actor of: a process with an event loop, in which the work is opened once and then done."""

    def __init__(self, work: str) -> None:
        self._name = work
        self._opened = AsyncExitStack()
        self._work: Work | None = None
        self._opening = asyncio.Lock()

    async def do(self, job: bytes) -> bytes:
        return await (await self._open())(job)

    async def where(self) -> str:
        """The node of this process, once its work is open."""
        import ray

        await self._open()
        return str(ray.get_runtime_context().get_node_id())

    async def close(self) -> None:
        await self._opened.aclose()

    async def _open(self) -> Work:
        async with self._opening:
            if self._work is None:
                self._work = await self._opened.enter_async_context(open_work(self._name))
            return self._work


@asynccontextmanager
async def open_ray_fleet(
    work: str,
    settings: FleetSettings | None = None,
    *,
    address: str | None = None,
    needs: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
) -> AsyncGenerator[RayFleet]:
    """Actors that do `module:function`, spread over the nodes of the cluster.

    address: of the cluster ("auto" for the one that this machine belongs to); None starts one here. needs: what Ray
    keeps for each actor, as its options are called ({"num_cpus": 4}). env: environment variables of the actors.

    Raises:
        TrainingToolsMissing: Ray is not installed. WorkerFailed: no actor can be had, or the work not be imported.
    """
    ray = _ray()
    settings = settings or FleetSettings()
    ours = not ray.is_initialized()
    if ours:
        await asyncio.to_thread(
            ray.init, address=address, include_dashboard=False, log_to_driver=True, configure_logging=False
        )
    try:
        kind = ray.remote(_Worker).options(
            max_restarts=-1,
            max_task_retries=0,
            max_concurrency=settings.lanes + 2,
            scheduling_strategy="SPREAD",
            runtime_env={"env_vars": dict(env or {})},
            **(needs or {"num_cpus": 1}),
        )
        actors = [kind.remote(work) for _ in range(settings.workers)]
        fleet = RayFleet(actors, work, settings)
        try:
            await fleet.where()
        except ray.exceptions.RayError as error:
            raise WorkerFailed(f"no worker for {work} could be started with Ray: {error}") from None
        try:
            yield fleet
        finally:
            with suppress(ray.exceptions.RayError):
                await asyncio.gather(*(actor.close.remote() for actor in actors))
            for actor in actors:
                ray.kill(actor)
    finally:
        if ours:
            await asyncio.to_thread(ray.shutdown)


def _ray() -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise TrainingToolsMissing(
            "workers over several nodes need Ray, which is not installed: pip install ray"
        ) from error
    return ray
