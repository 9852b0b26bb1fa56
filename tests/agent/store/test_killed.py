"""A process that is killed (SIGKILL) in the middle of its appends loses none that had returned."""

import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from agent.event import Noted, StatusChanged
from agent.options import Status
from agent.store import open_journal

_PROGRAM = Path(__file__).parent / "appends_forever.py"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'runs.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


def _killed_after(url: str, lines: int) -> dict[str, int]:
    """The number of the last event that was said to be kept, by run."""
    with subprocess.Popen([sys.executable, _PROGRAM, url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = list(islice(process.stdout, lines))
        process.kill()
        said += list(process.stdout)
    last: Counter[str] = Counter()
    for line in said:
        if line.endswith("\n"):
            name, seq = line.split()
            last[name] = max(last[name], int(seq))
    return last


async def test_every_event_whose_append_returned_is_there_without_gaps(url: str) -> None:
    last = _killed_after(url, 300)
    assert len(last) == 5
    async with open_journal(url) as journal:
        for name, seq in last.items():
            events = await journal.events(name)
            assert [each.seq for each in events] == list(range(1, len(events) + 1))
            assert len(events) >= seq
            assert len(events) % 2 == 0, "half of what was appended together is there"


async def test_its_runs_are_known_as_abandoned_and_taken_over_at_once(url: str) -> None:
    last = _killed_after(url, 20)
    async with open_journal(url) as journal:
        assert {record.id for record in await journal.abandoned()} == set(last)
        for name in last:
            async with journal.lease(name):
                before = len(await journal.events(name))
                assert (await journal.append(name, [Noted(text="goes on")]))[0].seq == before + 1
                assert name not in {record.id for record in await journal.abandoned()}
                await journal.append(name, [StatusChanged(status=Status.DONE)])
        assert await journal.abandoned() == []
