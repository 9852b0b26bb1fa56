"""Fixtures that reach real servers: child processes from tests/servers."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_registry.server import Http, Limits, ServerSpec, Stdio

SERVERS = Path(__file__).parents[1] / "servers"


@pytest.fixture
def script() -> Callable[..., ServerSpec]:
    """Makes the spec of a server in tests/servers: `script("paged", "endless", list_s=2.0)`."""

    def make(program: str, *args: str, name: str | None = None, env: dict[str, str] | None = None, **limits: Any):
        transport = Stdio(command=sys.executable, args=(str(SERVERS / f"{program}.py"), *args), env=env or {})
        return ServerSpec(name=name or program, transport=transport, limits=Limits(**limits))

    return make


@pytest.fixture
def url() -> Callable[..., ServerSpec]:
    """Makes the spec of a server behind a URL."""

    def make(address: str, *, name: str = "web", kind: str = "streamable-http", headers=None, **limits: Any):
        transport = Http(url=address, kind=kind, headers=headers or {})
        return ServerSpec(name=name, transport=transport, limits=Limits(**limits))

    return make


@pytest.fixture
def no_process_left() -> Iterator[None]:
    """Fails when the test leaves a child process behind, running or not waited for."""
    before = _children()
    yield
    assert _children() - before == set()


def _children() -> set[int]:
    """The process ids of our children; empty where there is no /proc to look at."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has just ended
        if parent == os.getpid():
            found.add(int(status.parent.name))
    return found


@pytest.fixture
def children() -> Callable[[], set[int]]:
    """Tells the process ids of our children, as they are now."""
    return _children


@pytest.fixture
def until() -> Callable[..., Any]:
    """Waits for a condition, at most so many seconds: `await until(lambda: path.exists())`."""

    async def wait(condition: Callable[[], object], *, seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)

    return wait
