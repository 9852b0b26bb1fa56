"""`demonstrations`: runs of the noisy expert, to begin with."""

from collections.abc import Sequence

import msgspec

from rl_trainer.environments.repairs.episode import Episode
from rl_trainer.environments.repairs.expert import TURNS, NoisyExpert
from rl_trainer.recording import keyed_seed
from rl_trainer.task import Task
from rl_trainer.trajectory import Group, Trajectory


def demonstrations(
    tasks: Sequence[Task], seed: int | str = 0, share_right: float = 0.6, *, each: int = 1
) -> list[Group]:
    """A group for each task with `each` runs of it, as `rollout.roll_groups` would make them with the same expert.

    All runs are kept, those that fail too: what is learnt is the language, and to do what is right as often as the
    expert does. The fact `scripted` marks them: their log-probabilities are no sampler's.
    """
    expert = NoisyExpert(share_right=share_right)
    return [
        Group(task_id=task.id, trajectories=tuple(_run(task, member, seed, expert) for member in range(each)))
        for task in tasks
    ]


def _run(task: Task, member: int, seed: int | str, expert: NoisyExpert) -> Trajectory:
    episode = Episode(task, turns=TURNS)
    own = f"{seed}/{task.id}/{member}"
    while not episode.done:
        at = keyed_seed(own, len(episode.turns))
        episode.act(expert.written(episode.prompt, at), seed=at)
    made = episode.trajectory(member)
    return msgspec.structs.replace(made, seed=keyed_seed(own), facts={**made.facts, "scripted": 1.0})
