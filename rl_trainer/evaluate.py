"""`evaluate`: how often the policy solves tasks that it did not learn from, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from rl_trainer.measured import of_groups
from rl_trainer.rollout import Rig, Told, roll_groups
from rl_trainer.statistics import clustered_interval, pass_at_k
from rl_trainer.task import Task
from rl_trainer.trajectory import Group


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The groups of one evaluation; a task whose worlds all broke is left out."""

    groups: tuple[Group, ...]

    @property
    def counted(self) -> list[Group]:
        return [group for group in self.groups if any(not each.infra for each in group.trajectories)]

    def solved(self) -> list[list[bool]]:
        """By task, by run: whether it passed."""
        return [[each.passed for each in group.trajectories if not each.infra] for group in self.counted]

    def pass_at(self, k: int) -> float:
        """The mean over tasks of the unbiased estimate of pass@k."""
        each = [pass_at_k(len(runs), sum(runs), k) for runs in self.solved() if len(runs) >= k]
        return sum(each) / len(each) if each else 0.0

    def values(self) -> dict[str, float]:
        """pass@1 with its 95 % interval (bootstrap over tasks), pass@k, and what `of_groups` says."""
        runs = self.solved()
        if not runs:
            return {"evaluation/tasks": 0.0}
        low, high = clustered_interval([[float(each) for each in some] for some in runs])
        most = min(map(len, runs))
        found = {f"pass@{k}": self.pass_at(k) for k in sorted({1, 2, 4, 8, 10, most}) if k <= most}
        return {
            "evaluation/tasks": float(len(runs)),
            "evaluation/samples": float(most),
            **{f"evaluation/{name}": value for name, value in found.items()},
            "evaluation/low": low,
            "evaluation/high": high,
            **of_groups(self.counted),
        }


async def evaluate(tasks: Sequence[Task], rig: Rig, *, samples: int, seed: str, told: Told | None = None) -> Evaluation:
    """`samples` runs of each task with the policy as it is; hidden tests only run at the end."""
    settings = msgspec.structs.replace(rig.settings, group=samples, checkpoints="none", forks=None)
    groups = await roll_groups(tasks, replace(rig, settings=settings), seed=seed, told=told)
    return Evaluation(tuple(groups))
