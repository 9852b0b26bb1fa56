"""What both trainers of benchmarks/training_speed.py are given, and what each of their processes found."""

from typing import Any

import msgspec
import numpy as np

from rl_trainer.model.settings import ModelSettings
from rl_trainer.sample import Sample
from rl_trainer.step.settings import StepSettings


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What both are given. turns: fewest and most of a member. written, seen: tokens of a turn and of what follows."""

    model: ModelSettings
    step: StepSettings
    groups: int
    members: int
    prompt: int
    turns: tuple[int, int]
    written: int
    seen: int
    shared_turns: float
    steps: int
    peer_batch: int = 1
    seed: int = 0


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What one process found. cpu: its seconds of CPU, a step but for the first. norms: of the gradient, by step."""

    name: str
    seconds: list[float]
    cpu: float
    norms: list[float]
    peak_mb: float
    before_mb: float
    learnt: int
    given: int
    computed: int


def samples_of(case: Case, vocabulary: int) -> list[Sample]:
    draw = np.random.default_rng(case.seed)
    out: list[Sample] = []
    for group in range(case.groups):
        prompt = draw.integers(4, vocabulary, case.prompt)
        last: list[Any] = []
        for member in range(case.members):
            count = int(draw.integers(case.turns[0], case.turns[1] + 1))
            turns = [draw.integers(4, vocabulary, case.written + case.seen) for _ in range(count)]
            same = min(int(draw.binomial(count, case.shared_turns)), len(last))
            turns[:same] = last[:same]
            last = turns
            out.append(_sample(case, prompt, turns, float(draw.normal()), group * case.members + member, f"g{group}"))
    return out


def _sample(case: Case, prompt: Any, turns: list[Any], advantage: float, number: int, task: str) -> Sample:
    ids = np.concatenate([prompt, *turns]).astype(np.int64)
    mask = np.zeros(len(ids), bool)
    for turn in range(len(turns)):
        start = len(prompt) + turn * (case.written + case.seen)
        mask[start : start + case.written] = True
    return Sample(
        ids=ids,
        mask=mask,
        logprobs=np.zeros(len(ids), np.float32),
        advantages=np.full(len(ids), advantage, np.float32),
        weights=np.ones(len(ids), np.float32),
        turns=np.zeros(len(ids), np.int32),
        versions=np.zeros(len(ids), np.int32),
        trajectory=number,
        task_id=task,
    )
