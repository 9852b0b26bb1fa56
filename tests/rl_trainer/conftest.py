"""Rollouts in the small world with a scripted policy: no torch, no processes."""

from typing import Any

import pytest

from rl_trainer.environments.repairs.expert import NoisyExpert
from rl_trainer.environments.repairs.renderer import RepairRenderer
from rl_trainer.environments.repairs.tasks import make_tasks
from rl_trainer.environments.repairs.world import RepairEnvironment
from rl_trainer.rewards import RewardSettings, RunLimits, reward_of
from rl_trainer.rollout import Rig
from rl_trainer.rollout_settings import RolloutSettings
from rl_trainer.task import Task


@pytest.fixture(scope="session")
def repairs() -> tuple[Task, ...]:
    """Some tasks of the small world."""
    return make_tasks(0, specs=12, held_out=2).train


@pytest.fixture
def rig() -> Any:
    """Makes the rig of rollouts in the small world; the policy is the noisy expert unless another is given."""

    def made(policy: Any = None, **settings: Any) -> Rig:
        return Rig(
            environments={"repairs": RepairEnvironment()},
            policy=policy or NoisyExpert(share_right=0.5),
            renderer=RepairRenderer(),
            reward=reward_of(RewardSettings(), RunLimits(turns=8)),
            settings=RolloutSettings(**{"group": 4, "turns": 8, "context": 256, "max_tokens": 16, **settings}),
        )

    return made
