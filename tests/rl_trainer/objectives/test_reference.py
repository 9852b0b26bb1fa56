"""Loss and gradient of every objective and modifier against NumPy; needs the extra `train`."""

from typing import Any

import numpy as np
import pytest

from rl_trainer.objectives import modifier_settings as m
from rl_trainer.objectives.settings import Name, ObjectiveSettings
from tests.rl_trainer.objectives import numpy_reference as reference

pytest.importorskip("torch", reason="the extra `train` is not installed")

from tests.rl_trainer.objectives.torch_batches import outcome

LONGEST = 16
LENGTHS = [3, 1, 7, 5]
OBJECTIVES: list[Name] = ["grpo", "dr_grpo", "dapo", "gspo", "gspo_token", "cispo", "sapo", "sft"]
MODIFIERS: list[m.Modifier] = [
    m.Reweight(),
    m.Lopti(),
    m.Steer(),
    m.Steer(minimum=0.3, over="batch"),
    m.Dmmpt(tau=0.3, sigma=1.0),
    m.Hapo(),
    m.Hapo(quantile=0.5, over="batch"),
    m.Tis(cap=1.2, floor=0.7),
    m.Tis(level="sequence"),
    m.IcePop(low=0.8, high=1.25),
    m.SequenceMask(low=0.9, high=1.1),
    m.OutlierMask(low=0.7, high=1.4),
    m.OffPolicyMask(delta=0.05),
]


def agrees(settings: ObjectiveSettings, sequences: list[reference.Sequence]) -> Any:
    loss, gradient = outcome(settings, sequences)
    assert loss == pytest.approx(reference.loss(settings, sequences, LONGEST), abs=1e-12)
    np.testing.assert_allclose(gradient, reference.gradient(settings, sequences, LONGEST), atol=1e-8)
    return gradient


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("seed", range(4))
def test_an_objective_has_the_loss_and_gradient_of_its_formula(name: Name, seed: int) -> None:
    per_token = name != "gspo"
    gradient = agrees(ObjectiveSettings(name=name), reference.ragged(seed, LENGTHS, per_token=per_token))
    assert name == "gspo" or name == "gspo_token" or np.abs(gradient).max() > 0


@pytest.mark.parametrize("name", ["gspo", "gspo_token"])
def test_sequence_ratios_agree_where_the_clip_leaves_a_gradient(name: Name) -> None:
    settings = ObjectiveSettings(name=name, clip_low=0.1, clip_high=0.1)
    gradient = agrees(settings, reference.ragged(3, LENGTHS, per_token=name != "gspo"))
    assert np.abs(gradient).max() > 0


@pytest.mark.parametrize("modifier", MODIFIERS, ids=m.name_of)
@pytest.mark.parametrize("seed", range(3))
def test_a_modifier_has_the_loss_and_gradient_of_its_formula(modifier: m.Modifier, seed: int) -> None:
    sequences = reference.ragged(seed, LENGTHS)
    agrees(ObjectiveSettings(name="dapo", modifiers=(modifier,)), sequences)


@pytest.mark.parametrize("modifier", MODIFIERS, ids=m.name_of)
def test_a_modifier_changes_something(modifier: m.Modifier) -> None:
    sequences = reference.ragged(0, LENGTHS * 2)
    _, plain = outcome(ObjectiveSettings(name="dapo"), sequences)
    _, changed = outcome(ObjectiveSettings(name="dapo", modifiers=(modifier,)), sequences)
    assert np.abs(plain - changed).max() > 1e-4


@pytest.mark.parametrize(
    "settings",
    [
        ObjectiveSettings(name="dapo", dual_clip=1.1),
        ObjectiveSettings(name="grpo", kl=0.3, clip_high=0.05),
        ObjectiveSettings(name="dr_grpo", constant=5.0),
        ObjectiveSettings(name="cispo", clip_low=0.1, clip_high=0.1),
        ObjectiveSettings(name="sapo", tau_positive=3.0, tau_negative=6.0),
        ObjectiveSettings(
            name="grpo", modifiers=(m.Reweight(), m.Steer(), m.Tis(), m.OffPolicyMask(delta=0.1), m.Hapo())
        ),
        ObjectiveSettings(name="gspo_token", clip_low=0.1, clip_high=0.1, modifiers=(m.Steer(), m.IcePop())),
    ],
    ids=lambda each: each.name,
)
def test_settings_and_several_modifiers_mean_what_the_formula_says(settings: ObjectiveSettings) -> None:
    agrees(settings, reference.ragged(5, LENGTHS, moved=0.4))
