"""The service as its clients have it: over HTTP, with a registry of its own and a model that follows a list."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.hub import Hub
from agent.runs import Runs, open_runs
from agent.service.app import make_app
from mcp_registry.home import Home
from mcp_registry.registry import open_registry
from mcp_registry.settings import Settings


@dataclass
class Service:
    """A running service: an HTTP client of it, and what stands behind it."""

    http: httpx.AsyncClient
    runs: Runs
    url: str

    async def begin(self, goal: str = "go", **options: Any) -> str:
        made = await self.http.post("/runs", json={"goal": goal, "options": options})
        assert made.status_code == 201, made.text
        return made.json()["id"]

    async def ended(self, run_id: str) -> dict[str, Any]:
        """The run when this process has let go of it."""
        await self.runs.wait(run_id)
        return (await self.http.get(f"/runs/{run_id}")).json()


@pytest.fixture
def serve(world: Any, tmp_path: Path, serving: Any) -> Callable[..., AbstractAsyncContextManager[Service]]:
    """`async with serve() as service`; with a key, clients have to know it."""

    @asynccontextmanager
    async def started(*, key: str | None = None, **headers: str) -> AsyncIterator[Service]:
        hub = Hub()
        deps = world.deps(listen=hub.tell, on_text=hub.text)
        async with open_registry(Home(tmp_path), Settings()) as registry, open_runs(deps, hub) as runs:
            app = make_app(runs, registry, defaults=world.opts(), host="127.0.0.1", key=key)
            async with serving(app) as url, httpx.AsyncClient(base_url=url, headers=headers, timeout=20) as http:
                yield Service(http=http, runs=runs, url=url)
                await runs.drain()

    return started


@pytest.fixture
async def service(serve: Any) -> AsyncIterator[Service]:
    async with serve() as started:
        yield started
