# pyright: basic, reportMissingImports=false
"""One optimiser step: the same however it is packed, split or interrupted; nothing from tokens that are not learnt."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from rl_trainer.errors import CheckpointDamaged, LearningFailed
from rl_trainer.model.opening import open_model
from rl_trainer.model.settings import ModelSettings, Scratch
from rl_trainer.objectives.settings import ObjectiveSettings
from rl_trainer.sample import Sample
from rl_trainer.step.learner import Learner
from rl_trainer.step.settings import StepSettings

MODEL = ModelSettings(name="scratch", scratch=Scratch(layers=2, width=16, heads=2, vocab=48, context=64), seed=3)
STEP = StepSettings(learning_rate=1e-2, tokens=64, head_tokens=5)


def learner_of(model: ModelSettings = MODEL, *, objective: str = "dapo", **step: Any) -> Learner:
    settings = msgspec.structs.replace(STEP, **step)
    return Learner(open_model(model), settings, ObjectiveSettings(name=objective))  # type: ignore[arg-type]


def old_of(samples: Sequence[Sample]) -> list[np.ndarray]:
    return [sample.logprobs for sample in samples]


def weights_of(learner: Learner) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in learner.model.state_dict().items()}


def gradients_of(learner: Learner, samples: Sequence[Sample], old: Any = None) -> list[Any]:
    """Of each weight, a tenth of its gradient: Adam's first moment after one step."""
    learner.update(samples, old)
    return [state["exp_avg"] for state in learner.state_dict()["optimiser"]["state"].values()]


@pytest.mark.parametrize("objective", ["dapo", "grpo", "gspo_token"])
@pytest.mark.parametrize(
    ("packing", "tokens"), [("none", 64), ("rows", 64), ("rows", 999), ("tree", 40), ("tree", 999)]
)
def test_packing_and_splitting_do_not_change_loss_or_gradient(
    samples: list[Sample], objective: str, packing: str, tokens: int
) -> None:
    plain = learner_of(objective=objective, packing="none", clip_norm=0.0)
    packed = learner_of(objective=objective, packing=packing, tokens=tokens, clip_norm=0.0)
    old = old_of(samples)
    expected, got = gradients_of(plain, samples, old), gradients_of(packed, samples, old)
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    again, once_more = plain.update(samples, old), packed.update(samples, old)
    assert once_more.loss == pytest.approx(again.loss, abs=1e-5)
    assert once_more.grad_norm == pytest.approx(again.grad_norm, rel=1e-4)


def test_a_tree_computes_shared_tokens_once(samples: list[Sample]) -> None:
    record = learner_of(packing="tree", tokens=999).update(samples)
    assert record.given == sum(map(len, samples))
    assert record.computed < record.given
    assert record.tokens == sum(sample.learnt for sample in samples)
    assert record.rows == 1


def test_what_stands_at_tokens_that_are_not_learnt_changes_nothing(samples: list[Sample]) -> None:
    def spoilt(sample: Sample) -> Sample:
        noise = np.where(sample.mask, 0, 7).astype(np.float32)
        values = {name: getattr(sample, name) + noise for name in ("logprobs", "advantages", "weights")}
        fields = ("ids", "mask", "turns", "versions", "trajectory", "task_id")
        return Sample(**values, **{name: getattr(sample, name) for name in fields})

    plain, other = learner_of(), learner_of()
    plain.update(samples, old_of(samples))
    other.update([spoilt(sample) for sample in samples], old_of([spoilt(sample) for sample in samples]))
    mine, theirs = weights_of(plain), weights_of(other)
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_the_order_of_the_samples_changes_nothing(samples: list[Sample]) -> None:
    plain, other = learner_of(), learner_of()
    plain.update(samples)
    other.update(samples[::-1])
    mine, theirs = weights_of(plain), weights_of(other)
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_without_old_log_probabilities_every_ratio_is_one(samples: list[Sample]) -> None:
    record = learner_of().update(samples)
    assert record.ratio_max == 1.0
    assert record.drift_max > 0


def test_its_own_log_probabilities_are_what_an_update_sees(samples: list[Sample]) -> None:
    learner = learner_of(packing="tree")
    old = learner.log_probs(samples)
    assert all((values[~sample.mask] == 0).all() for values, sample in zip(old, samples, strict=True))
    record = learner.update(samples, old)
    assert record.ratio_max == pytest.approx(1.0, abs=1e-6)


def test_a_restored_learner_makes_the_same_next_step_bit_for_bit(samples: list[Sample]) -> None:
    whole = learner_of(schedule="cosine", total_steps=5, warmup_steps=1)
    whole.update(samples)
    weights, state = weights_of(whole), whole.state_dict()
    restored = learner_of(schedule="cosine", total_steps=5, warmup_steps=1)
    restored.model.load_state_dict(weights)
    restored.load_state_dict(state)
    old = old_of(samples)
    first, second = whole.update(samples, old), restored.update(samples, old)
    assert (first.loss, first.grad_norm, first.step) == (second.loss, second.grad_norm, second.step)
    mine, theirs = weights_of(whole), weights_of(restored)
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_a_state_of_another_model_is_refused(samples: list[Sample]) -> None:
    learner = learner_of()
    with pytest.raises(CheckpointDamaged, match="does not fit"):
        learner.load_state_dict({"optimiser": {"state": {}, "param_groups": []}, "steps": 1, "failed": 0})


def test_a_step_without_a_finite_gradient_is_skipped_and_after_some_it_fails(samples: list[Sample]) -> None:
    learner = learner_of(patience=2)
    bad = [np.full(len(sample), np.nan, np.float32) for sample in samples]
    before = weights_of(learner)
    record = learner.update(samples, bad)
    assert record.skipped
    assert record.step == 0
    assert all(torch.equal(before[name], now) for name, now in weights_of(learner).items())
    with pytest.raises(LearningFailed, match="2 steps in a row"):
        learner.update(samples, bad)
    assert not learner.update(samples).skipped


def test_samples_that_teach_nothing_are_refused(samples: list[Sample], make_sample: Any) -> None:
    empty = make_sample([1, 2, 3], [False] * 3, seed=1)
    learner = learner_of()
    with pytest.raises(LearningFailed, match="none of the 1 samples"):
        learner.update([empty])
    assert learner.update([*samples, empty]).samples == len(samples)
    assert learner.log_probs([empty])[0].tolist() == [0, 0, 0]
