"""The model that learns, sampled in this process: what it says it drew is what the trainer computes."""
# pyright: basic, reportMissingImports=false

import asyncio
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from rl_trainer.guard import measure_drift
from rl_trainer.model.opening import open_model
from rl_trainer.model.settings import ModelSettings, Scratch
from rl_trainer.objectives.settings import ObjectiveSettings
from rl_trainer.policies.in_process import InProcessPolicy
from rl_trainer.policy import Sampling, Written
from rl_trainer.sample import Sample
from rl_trainer.step.learner import Learner
from rl_trainer.step.settings import StepSettings

PROMPTS = [tuple(range(1, 4 + size)) for size in range(6)]


@pytest.fixture(scope="module")
def model() -> Any:
    shape = Scratch(layers=2, width=32, heads=2, vocab=64, context=128)
    return open_model(ModelSettings(name="scratch", scratch=shape))


def _written(policy: InProcessPolicy, most: int = 12) -> list[Written]:
    async def ask() -> list[Written]:
        seats = [policy.seat() for _ in PROMPTS]
        for seat in seats:
            seat.__enter__()
        wanted = [
            policy.complete(prompt, sampling=Sampling(max_tokens=most - place, stop=(0,)), seed=place)
            for place, prompt in enumerate(PROMPTS)
        ]
        found = await asyncio.gather(*wanted)
        for seat in seats:
            seat.__exit__(None, None, None)
        return list(found)

    return asyncio.run(ask())


def _sample(prompt: tuple[int, ...], written: Written) -> Sample:
    length, before = len(prompt) + len(written.ids), len(prompt)
    mask, logs = np.arange(length) >= before, np.zeros(length, np.float32)
    logs[before:] = written.logprobs
    ones, zeros = np.ones(length, np.float32), np.zeros(length, np.int32)
    ids = np.array([*prompt, *written.ids], np.int64)
    return Sample(ids=ids, mask=mask, logprobs=logs, advantages=ones, weights=ones, turns=zeros, versions=zeros)


def test_a_cache_with_less_room_means_smaller_batches_and_the_same_answers(model: Any) -> None:
    large = _written(InProcessPolicy(model))
    small = _written(InProcessPolicy(model, positions=40))
    assert [each.ids for each in small] == [each.ids for each in large]
    np.testing.assert_allclose(
        [log for each in small for log in each.logprobs], [log for each in large for log in each.logprobs], atol=1e-5
    )
    assert all(len(each.ids) <= 12 - place for place, each in enumerate(large))


@pytest.mark.parametrize(("precision", "allowed"), [("float32", 1e-5), ("bfloat16", 0.05)])
def test_sampler_and_trainer_compute_alike_in_either_precision(model: Any, precision: Any, allowed: float) -> None:
    written = _written(InProcessPolicy(model, precision=precision))
    samples = [_sample(prompt, each) for prompt, each in zip(PROMPTS, written, strict=True)]
    learner = Learner(model, StepSettings(precision=precision, threads=1), ObjectiveSettings(name="dapo"))
    ours = learner.log_probs(samples)
    drift = measure_drift(
        np.concatenate([log[each.mask] for log, each in zip(ours, samples, strict=True)]),
        np.concatenate([each.logprobs[each.mask] for each in samples]),
    )
    assert drift.tokens > 20
    assert drift.mean < allowed
