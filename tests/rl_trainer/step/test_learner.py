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

from rl_trainer.errors import CheckpointDamaged, LearningFailed, RecipeWrong
from rl_trainer.model.opening import open_model
from rl_trainer.model.settings import Lora, ModelSettings, Scratch
from rl_trainer.objectives.settings import ObjectiveSettings
from rl_trainer.sample import Sample
from rl_trainer.step.learner import Learner
from rl_trainer.step.settings import StepSettings, rate_at

MODEL = ModelSettings(name="scratch", scratch=Scratch(layers=2, width=16, heads=2, vocab=48, context=64), seed=3)
STEP = StepSettings(learning_rate=1e-2, tokens=64, head_tokens=5, threads=1)


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


@pytest.mark.parametrize("objective", ["dapo", "gspo_token"])
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


def test_gradient_checkpointing_gives_the_same_gradient_and_works_layers_out_twice(samples: list[Sample]) -> None:
    plain = learner_of()
    kept = learner_of(msgspec.structs.replace(MODEL, gradient_checkpointing=True))
    calls: list[int] = []
    layer = kept.model.base_model.layers[0]
    layer.mlp.register_forward_pre_hook(lambda *_: calls.append(1))
    old = old_of(samples)
    expected, got = gradients_of(plain, samples, old), gradients_of(kept, samples, old)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)
    rows = plain.update(samples, old).rows
    assert len(calls) == 2 * rows
    kept.log_probs(samples)
    assert len(calls) == 3 * rows
    assert not layer.training


def test_bfloat16_arithmetic_leaves_weights_float32_and_nearly_the_same_loss(samples: list[Sample]) -> None:
    plain, narrow = learner_of(), learner_of(precision="bfloat16")
    old = old_of(samples)
    exact, rounded = plain.update(samples, old), narrow.update(samples, old)
    assert rounded.loss != exact.loss
    assert rounded.loss == pytest.approx(exact.loss, abs=0.02)
    assert rounded.grad_norm == pytest.approx(exact.grad_norm, rel=0.05)
    assert {one.dtype for one in narrow.model.parameters()} == {torch.float32}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_with_adapters_only_they_learn(samples: list[Sample], dtype: str) -> None:
    pytest.importorskip("peft")
    learner = learner_of(msgspec.structs.replace(MODEL, lora=Lora(rank=2), dtype=dtype))
    before = weights_of(learner)
    first = learner.update(samples, old_of(samples))
    learner.update(samples, old_of(samples))
    after = weights_of(learner)
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert changed
    assert all("lora_" in name for name in changed)
    assert first.grad_norm > 0


def test_dr_grpo_and_a_temperature_pass_through(samples: list[Sample]) -> None:
    warm, cold = learner_of(temperature=2.0), learner_of()
    assert not np.allclose(warm.log_probs(samples)[0], cold.log_probs(samples)[0])
    assert learner_of(objective="dr_grpo").update(samples).grad_norm > 0


def test_the_learning_rate_warms_up_and_falls() -> None:
    settings = StepSettings(learning_rate=1.0, schedule="linear", warmup_steps=1, total_steps=5)
    assert [rate_at(settings, step) for step in range(6)] == [0.5, 1.0, 0.75, 0.5, 0.25, 0.0]
    cosine = StepSettings(learning_rate=1.0, schedule="cosine", total_steps=2)
    assert [round(rate_at(cosine, step), 6) for step in range(3)] == [1.0, 0.5, 0.0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tokens": 0}, "step.tokens"),
        ({"weight_decay": -1.0}, "step.weight_decay"),
        ({"schedule": "cosine"}, "total_steps"),
        ({"total_steps": 3}, "total_steps"),
        ({"fsdp": True}, "torchrun"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeWrong, match=said):
        learner_of(**changes)


def test_packed_rows_refuse_a_model_that_attends_otherwise(samples: list[Sample]) -> None:
    eager = msgspec.structs.replace(MODEL, attention="eager")
    with pytest.raises(RecipeWrong, match="sdpa"):
        learner_of(eager)
    record, plain = learner_of(eager, packing="none").update(samples), learner_of().update(samples)
    assert record.loss == pytest.approx(plain.loss, abs=1e-5)
