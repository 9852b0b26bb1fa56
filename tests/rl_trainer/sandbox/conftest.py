"""A local sandbox for tests that attack it, and a look at what is left behind."""

import gc
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from rl_trainer.errors import NoSandbox
from rl_trainer.sandbox.local import open_local
from rl_trainer.sandbox.sandbox import Limits, Sandbox

LIMITS = Limits(cpu_s=5, wall_s=120, memory_mb=128, disk_mb=8, file_mb=2, processes=20, output_kb=8)


def traces() -> dict[str, object]:
    """What a sandbox might leave: children, their namespaces, descriptors, mounts, folders."""
    gc.collect()
    threads = Path("/proc/self/task").iterdir()
    return {
        "children": sorted(child for thread in threads for child in (thread / "children").read_text().split()),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "mounts": Path("/proc/self/mounts").read_text(),
        "folders": sorted(Path(tempfile.gettempdir()).iterdir()),
    }


@pytest.fixture
async def sandbox(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """A local sandbox; afterwards nothing of it may be left."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("own")))
    before = traces()
    opening = open_local({"honest.py": b"print('honest')\n"}, limits=LIMITS)
    async with AsyncExitStack() as stack:
        try:
            opened = await stack.enter_async_context(opening)
        except NoSandbox as error:
            pytest.skip(str(error))
        yield opened
        assert (await opened.run("cat honest.py")).output == "print('honest')\n"
    assert traces() == before
