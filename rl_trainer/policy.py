"""`Policy`: the model that learns, as what it is to a rollout: token ids in, sampled ids with log-probabilities out."""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How ids are drawn. The trainer shares the temperature; all else must stay off (rl_trainer/guard.py).

    stop: ids that end a completion; the one that did is part of it.
    """

    temperature: float = 1.0
    max_tokens: int = 512
    stop: tuple[int, ...] = ()
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy wrote. finish: stop (a stop id was drawn), length, or aborted (a part; it may be continued)."""

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish: str
    version: int
    entropies: tuple[float, ...] = ()
    versions: tuple[int, ...] = ()


class Policy(Protocol):
    """An engine with weights: this process, or a server."""

    @property
    def id(self) -> str:
        """What it is called in logs."""
        ...

    @property
    def version(self) -> int:
        """How often its weights were replaced."""
        ...

    async def complete(self, prompt: Sequence[int], *, sampling: Sampling, seed: int) -> Written:
        """One continuation. The same prompt, weights and seed give the same ids where the engine can promise that.

        Raises:
            EngineFailed: the engine cannot answer; somebody must look at it.
        """
        ...

    async def effective(self) -> Sampling:
        """The sampling parameters that are really in force when nothing is asked for: what a server sets by itself."""
        ...
