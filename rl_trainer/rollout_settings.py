"""`RolloutSettings`: how runs are made for training."""

from typing import Literal

import msgspec

from rl_trainer.budgets import Effort
from rl_trainer.forks import ForkSettings


class RolloutSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """group: runs of one task (G). turns: calls of the policy at most (T_max). context: tokens at most.

    max_tokens: of one answer. concurrency: runs at once. retries: how often a run is tried again when its world broke.
    wrong_actions: mistakes in a row that the policy is told of before the run ends. checkpoints: whether hidden tests
    are run after turns, for credit that needs it: never, after every edit, or after every turn. forks: Monte-Carlo
    continuations of turns, for credit that needs values. effort: fractions of the usual length that members are asked
    for in words (e1); runs beyond theirs lose what they got for the outcome.
    """

    group: int = 8
    turns: int = 40
    context: int = 65_536
    max_tokens: int = 2_048
    temperature: float = 1.0
    concurrency: int = 64
    retries: int = 2
    wrong_actions: int = 3
    call_timeout_s: float = 120.0
    checkpoints: Literal["none", "edits", "turns"] = "none"
    forks: ForkSettings | None = None
    effort: Effort | None = None
