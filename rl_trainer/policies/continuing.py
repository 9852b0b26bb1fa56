"""`Continuing`: completions that an update of weights cut off go on with the new weights, id for id."""

from collections.abc import Sequence

import msgspec

from rl_trainer.errors import EngineFailed
from rl_trainer.policy import Policy, Sampling, Written
from rl_trainer.recording import keyed_seed

_MOST = 64
"""Parts of one completion: more updates than that while one answer is written mean that something is wrong."""


class Continuing:
    """A policy whose answers are whole: what came back `aborted` is asked for again behind what was written so far.

    Each id keeps the version that it was drawn with (`Written.versions`) and that version's log-probability; `version`
    is the first of them, so that staleness counts from the oldest.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.continued = 0

    @property
    def id(self) -> str:
        return self._policy.id

    @property
    def version(self) -> int:
        return self._policy.version

    async def effective(self) -> Sampling:
        return await self._policy.effective()

    async def complete(self, prompt: Sequence[int], *, sampling: Sampling, seed: int) -> Written:
        parts: list[Written] = []
        left = sampling.max_tokens
        for part in range(_MOST):
            before = [id_ for each in parts for id_ in each.ids]
            written = await self._policy.complete(
                (*prompt, *before),
                sampling=msgspec.structs.replace(sampling, max_tokens=left),
                seed=seed if part == 0 else keyed_seed(seed, part),
            )
            parts.append(written)
            left -= len(written.ids)
            if written.finish != "aborted":
                return joined(parts, written.finish)
            if left <= 0:
                return joined(parts, "length")
            self.continued += 1
        raise EngineFailed(
            f"one completion was cut off {_MOST} times; weights are updated faster than an answer is written, or the "
            "engine ends whatever it begins"
        )


def joined(parts: Sequence[Written], finish: str) -> Written:
    """Parts of one completion as one; a single part stays as it is."""
    whole = [part for part in parts if part.ids] or [parts[-1]]
    if len(whole) == 1:
        return msgspec.structs.replace(whole[0], finish=finish)
    entropies = all(part.entropies for part in whole)
    return Written(
        ids=tuple(id_ for part in whole for id_ in part.ids),
        logprobs=tuple(value for part in whole for value in part.logprobs),
        finish=finish,
        version=min(part.version for part in whole),
        entropies=tuple(value for part in whole for value in part.entropies) if entropies else (),
        versions=tuple(version for part in whole for version in (part.versions or (part.version,) * len(part.ids))),
    )
