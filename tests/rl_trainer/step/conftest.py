"""Samples as groups of runs give them: a shared beginning, sometimes shared turns, then each its own."""

from collections.abc import Callable

import numpy as np
import pytest

from rl_trainer.sample import Sample

VOCABULARY = 48


def sample_of(ids: list[int], mask: list[bool], *, seed: int, task: str = "t", trajectory: int = 0) -> Sample:
    """A sample with advantages and log-probabilities drawn from the seed."""
    draw = np.random.default_rng(seed)
    size = len(ids)
    chosen = np.array(mask, bool)
    return Sample(
        ids=np.array(ids, np.int64),
        mask=chosen,
        logprobs=np.where(chosen, draw.normal(-3.5, 0.3, size), 0).astype(np.float32),
        advantages=np.where(chosen, draw.normal(), 0).astype(np.float32),
        weights=draw.uniform(0.5, 1.5, size).astype(np.float32),
        turns=np.where(chosen, 0, -1).astype(np.int32),
        versions=np.zeros(size, np.int32),
        trajectory=trajectory,
        task_id=task,
    )


def group_of(task: str, *, seed: int, members: int = 4) -> list[Sample]:
    """A prompt, a first turn that half of the members share (and all learn), and the rest their own."""
    draw = np.random.default_rng(seed)
    prompt = draw.integers(0, VOCABULARY, 12).tolist()
    first = draw.integers(0, VOCABULARY, 4).tolist()
    out: list[Sample] = []
    for member in range(members):
        said = first if member % 2 == 0 else draw.integers(0, VOCABULARY, 4).tolist()
        seen = draw.integers(0, VOCABULARY, 3).tolist()
        then = draw.integers(0, VOCABULARY, int(draw.integers(3, 12))).tolist()
        mask = [False] * len(prompt) + [True] * len(said) + [False] * len(seen) + [True] * len(then)
        out.append(
            sample_of([*prompt, *said, *seen, *then], mask, seed=seed * 100 + member, task=task, trajectory=member)
        )
    return out


@pytest.fixture
def samples() -> list[Sample]:
    return [*group_of("one", seed=1), *group_of("two", seed=2)]


@pytest.fixture
def make_sample() -> Callable[..., Sample]:
    return sample_of
