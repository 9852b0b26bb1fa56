"""`RftStage` and `DapoStage`: the stages of a recipe, and which tasks they draw."""

from typing import Any

import msgspec

from rl_trainer.budgets import Annealed, LengthReward
from rl_trainer.curriculum import ChoiceSettings
from rl_trainer.selection import D3S, Pods


class PoolSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tasks a stage draws: those solved in less than `below` of the runs so far, and at least once if `solved`.

    The paper's second stage has below = 2/3 and solved = true (arXiv 2508.03501, section 4). Tasks that were never
    tried stay where `untried` says so.
    """

    below: float = 1.0
    solved: bool = False
    untried: bool = True


class RftStage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="rft"):
    """Rejection fine-tuning: learn what passed. from_file: groups to learn from (`train import-runs`); without one,
    `samples` runs of each of `tasks` tasks are made (0: all) with the model as it is. expert: by the scripted expert
    instead, of the small world or of SWE tasks: how often its edit is right; of SWE tasks the first one, for it mends
    what the tests then show. most_each: passing runs kept of one task. only_passing: False learns from runs that failed
    too, for a first taste of how to act at all. iterations: how often this is done anew, with what the model has
    become. steps: optimiser steps of one, at most (0: as many as the epochs give). rollout, step: what differs in this
    stage from the recipe's own tables.
    """

    name: str
    from_file: str = ""
    expert: float = 0.0
    tasks: int = 0
    samples: int = 10
    most_each: int = 4
    only_passing: bool = True
    epochs: int = 1
    steps: int = 0
    iterations: int = 1
    mask_malformed: bool = True
    rollout: dict[str, Any] = {}
    step: dict[str, Any] = {}


class DapoStage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="dapo"):
    """RL on groups. problems: tasks an iteration. generations: how often at most tasks are drawn for one of them until
    `problems` groups teach something; 1 switches refilling off. carry: iterations that a surplus group is kept.
    drop: groups without variance are left out of the step (False: they count in its denominators, as in plain GRPO).
    rollouts: the stage ends when the training has made so many, however many iterations are left; 0 for no such end.
    updates: optimiser steps an iteration at most; 0: as many as step.batch gives. draw: tasks by how hard they have
    been (rl_trainer/curriculum.py); without it round by round. select: what of a batch is learnt from
    (rl_trainer/selection.py). turns: T_max, shrinking (rl_trainer/budgets.py). length: a reward for keeping to a
    budget. Other fields: what differs in this stage from the recipe's own tables.
    """

    name: str
    iterations: int
    problems: int = 8
    generations: int = 4
    carry: int = 2
    drop: bool = True
    rollouts: int = 0
    updates: int = 0
    pool: PoolSettings = PoolSettings()
    draw: ChoiceSettings | None = None
    select: D3S | Pods | None = None
    turns: Annealed | None = None
    length: LengthReward | None = None
    rollout: dict[str, Any] = {}
    reward: dict[str, Any] = {}
    objective: dict[str, Any] = {}
    step: dict[str, Any] = {}


Stage = RftStage | DapoStage
