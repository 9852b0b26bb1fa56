"""Two actors on this machine, where Ray is installed."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from rl_trainer.errors import TrainingToolsMissing, WorkerFailed
from rl_trainer.fleet.fleet import Fleet, FleetSettings

try:
    import ray
except ImportError:
    ray = None

DO = "tests.rl_trainer.fleet.deeds:do"
ROOT = Path(__file__).parents[3]


async def ask(fleet: Fleet, **job: Any) -> dict[str, Any]:
    async with asyncio.timeout(90):
        return json.loads(await fleet.run(json.dumps(job).encode()))


@pytest.mark.skipif(ray is not None, reason="Ray is installed")
async def test_without_ray_it_is_told_how_to_get_it() -> None:
    from rl_trainer.fleet.ray_fleet import open_ray_fleet

    with pytest.raises(TrainingToolsMissing, match="pip install ray"):
        async with open_ray_fleet(DO):
            pass


@pytest.mark.slow
@pytest.mark.skipif(ray is None, reason="Ray is not installed")
@pytest.mark.filterwarnings("default")
async def test_jobs_are_spread_over_actors_and_done_again_when_one_dies(tmp_path: Path) -> None:
    from rl_trainer.fleet.ray_fleet import open_ray_fleet

    settings = FleetSettings(workers=2, lanes=2, retries=3)
    async with open_ray_fleet(DO, settings, needs={"num_cpus": 0.5}, env={"PYTHONPATH": str(ROOT)}) as fleet:
        go = tmp_path / "go"
        jobs = [asyncio.create_task(ask(fleet, say=place, until=str(go))) for place in range(4)]
        dying = asyncio.create_task(ask(fleet, say="again", die_unless=str(tmp_path / "died")))
        await asyncio.sleep(0)
        go.touch()
        answers = [await job for job in jobs]
        assert [answer["said"] for answer in answers] == list(range(4))
        assert os.getpid() not in {answer["pid"] for answer in answers}
        assert len({answer["pid"] for answer in answers}) == 2
        assert (await dying)["said"] == "again"
        assert fleet.replaced >= 1
        with pytest.raises(WorkerFailed, match="this cannot be done"):
            await ask(fleet, **{"raise": True})
