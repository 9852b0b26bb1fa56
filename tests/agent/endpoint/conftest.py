"""An endpoint that runs, and a model opened behind it."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.endpoint import LlmSettings, open_llm
from agent.endpoint.client import EndpointLLM
from agent.endpoint.retrying import Clock
from agent.endpoint.testing import Abilities, Script, ScriptedEndpoint, scripted_endpoint

Opened = Callable[..., AbstractAsyncContextManager[tuple[EndpointLLM, ScriptedEndpoint]]]


class Waits(list[float]):
    """The waits of a clock that only moves when someone waits."""

    @property
    def clock(self) -> Clock:
        async def sleep(seconds: float) -> None:
            self.append(seconds)

        return Clock(now=lambda: sum(self), sleep=sleep, utc=lambda: 1_000_000_000.0 + sum(self))


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def opened(tmp_path: Path, waits: Waits) -> Opened:
    """A model behind a scripted endpoint, already probed: `requests` has only what the test asks."""

    @asynccontextmanager
    async def open_one(
        script: Script, abilities: Abilities | None = None, **settings: Any
    ) -> AsyncGenerator[tuple[EndpointLLM, ScriptedEndpoint]]:
        with scripted_endpoint(lambda _: "hello", abilities) as endpoint:
            given = LlmSettings(url=endpoint.base_url, **settings)
            async with open_llm(given, profile_file=tmp_path / "profiles.json", clock=waits.clock) as llm:
                endpoint.requests.clear()
                endpoint.keys.clear()
                endpoint.script = script
                yield llm, endpoint

    return open_one
