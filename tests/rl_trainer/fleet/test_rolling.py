"""Whole rollouts in a worker process: the production agent, the small world, and an engine behind HTTP."""

from typing import Any

import msgspec

from rl_trainer.environments.repairs.renderer import RepairRenderer
from rl_trainer.environments.repairs.world import RepairEnvironment
from rl_trainer.fleet.fleet import FleetSettings
from rl_trainer.fleet.local import open_local_fleet
from rl_trainer.fleet.rolling import WORK, RollJob, roll_on
from rl_trainer.opened import rig_of
from rl_trainer.policies.vllm_server import open_vllm_server
from rl_trainer.policies.vllm_settings import VllmSettings
from rl_trainer.recipe import recipe_from
from rl_trainer.rollout import roll_groups
from rl_trainer.task import Task
from rl_trainer.trajectory import Group
from tests.rl_trainer.policies.engine import running_engine


def unhurried(group: Group) -> list[Any]:
    """All of a group but how long it took."""
    return [msgspec.structs.replace(each, seconds=0.0) for each in group.trajectories]


async def test_a_worker_rolls_out_the_same_group_as_this_process(repairs: tuple[Task, ...]) -> None:
    with running_engine() as engine:
        recipe = recipe_from(
            {
                "name": "small",
                "model": {"name": "unused"},
                "tasks": {"source": "repairs"},
                "stages": [],
                "engine": {"kind": "vllm", "url": engine.base_url},
                "rollout": {"group": 2, "turns": 3, "max_tokens": 6, "context": 256},
            },
            {},
        )
        engine.label = "7"
        async with open_local_fleet(WORK, FleetSettings(workers=1)) as fleet:
            there = await roll_on(fleet, RollJob(recipe=recipe, task=repairs[0], seed="s", iteration=4))
        async with open_vllm_server(VllmSettings(url=engine.base_url, shared=True)) as policy:
            rig = rig_of(recipe, {"repairs": RepairEnvironment()}, policy, RepairRenderer())
            (here,) = await roll_groups(repairs[:1], rig, seed="s", iteration=4)
    assert unhurried(there) == unhurried(here)
    assert there.iteration == 4
    assert len(there.trajectories) == 2
    assert {version for each in there.trajectories for version in each.versions} == {7}
