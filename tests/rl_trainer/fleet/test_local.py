"""Workers are real processes here, and they are really killed."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from rl_trainer.errors import RecipeWrong, WorkerFailed
from rl_trainer.fleet.fleet import Fleet, FleetSettings
from rl_trainer.fleet.local import LocalFleet, open_local_fleet
from rl_trainer.fleet.work import open_work

DO = "tests.rl_trainer.fleet.deeds:do"


async def ask(fleet: Fleet, **job: Any) -> dict[str, Any]:
    async with asyncio.timeout(60):
        return json.loads(await fleet.run(json.dumps(job).encode()))


async def arrived(file: Path, many: int) -> list[int]:
    """The processes that have begun with such a job, when there are so many."""
    async with asyncio.timeout(60):
        while not file.exists() or len(file.read_text().split()) < many:
            await asyncio.sleep(0.01)
    return [int(line) for line in file.read_text().split()]


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def killed_while_working(fleet: LocalFleet, folder: Path) -> tuple[list[int], list[dict[str, Any]]]:
    """Six jobs are at work when one of the two workers is killed; then they may end."""
    begun, go = folder / "begun", folder / "go"
    jobs = [asyncio.create_task(ask(fleet, say=place, until=str(go), arrived=str(begun))) for place in range(6)]
    first = await arrived(begun, 6)
    os.kill(first[0], signal.SIGKILL)
    lost = first.count(first[0])
    await arrived(begun, 6 + lost)
    go.touch()
    return first, [await job for job in jobs]


async def test_jobs_are_done_again_elsewhere_when_their_worker_is_killed(tmp_path: Path) -> None:
    async with open_local_fleet(DO, FleetSettings(workers=2, lanes=3)) as fleet:
        first, answers = await killed_while_working(fleet, tmp_path)
        assert [answer["said"] for answer in answers] == list(range(6))
        assert first[0] not in {answer["pid"] for answer in answers}
        assert fleet.replaced == 1
        assert (await ask(fleet, say="after"))["said"] == "after"
        pids = fleet.pids
    assert not any(map(is_there, [*pids, first[0]]))


async def test_a_job_that_kills_its_worker_once_is_done_by_the_next(tmp_path: Path) -> None:
    async with open_local_fleet(DO, FleetSettings(workers=1)) as fleet:
        assert (await ask(fleet, say="done", die_unless=str(tmp_path / "died")))["said"] == "done"
        assert fleet.replaced == 1


async def test_a_job_that_kills_every_worker_is_given_up_and_told(tmp_path: Path) -> None:
    async with open_local_fleet(DO, FleetSettings(workers=1, retries=1)) as fleet:
        with pytest.raises(WorkerFailed, match=r"2 workers died .* exit code 7"):
            await ask(fleet, die=True)
        assert (await ask(fleet, say="still here"))["said"] == "still here"


async def test_what_the_work_raises_is_told_with_its_trace_and_costs_no_worker() -> None:
    async with open_local_fleet(DO, FleetSettings(workers=1)) as fleet:
        with pytest.raises(WorkerFailed, match=r"ValueError: this cannot be done\n(?s:.*)deeds\.py"):
            await ask(fleet, **{"raise": True})
        assert fleet.replaced == 0


async def test_a_worker_that_hangs_is_replaced(tmp_path: Path) -> None:
    async with open_local_fleet(DO, FleetSettings(workers=1, job_s=0.5)) as fleet:
        assert (await ask(fleet, say="done", hang_unless=str(tmp_path / "hung")))["said"] == "done"
        assert fleet.replaced == 1


async def test_work_that_cannot_be_imported_is_told_to_everyone_who_waits() -> None:
    async with open_local_fleet("tests.rl_trainer.fleet.nowhere:do", FleetSettings(workers=2)) as fleet:
        for answer in await asyncio.gather(ask(fleet), ask(fleet), return_exceptions=True):
            assert isinstance(answer, WorkerFailed)
            assert "cannot be imported" in str(answer)
        with pytest.raises(WorkerFailed):
            await ask(fleet)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("no colon", "module:function"),
        ("tests.rl_trainer.fleet.deeds:missing", "no async function 'missing'"),
        ("tests.rl_trainer.fleet.deeds:not_async", "no async function"),
    ],
)
async def test_work_that_is_none_is_refused(name: str, fault: str) -> None:
    with pytest.raises(RecipeWrong, match=fault):
        async with open_work(name):
            pass


async def test_what_a_worker_opens_is_shared_by_its_jobs_and_closed_at_the_end(tmp_path: Path) -> None:
    async with open_local_fleet("tests.rl_trainer.fleet.deeds:opened", FleetSettings(workers=1)) as fleet:
        counts = [await ask(fleet, closed=str(tmp_path / "closed")) for _ in range(3)]
    assert [each["count"] for each in counts] == [1, 2, 3]
    assert (tmp_path / "closed").read_text() == "3"
