"""A recipe's objective: what it reads, and what it refuses because it would do nothing."""

import msgspec
import pytest

from rl_trainer.errors import RecipeWrong
from rl_trainer.objectives import modifier_settings as m
from rl_trainer.objectives.settings import (
    Name,
    ObjectiveSettings,
    check,
    needs_entropy,
    needs_reference,
    passes,
)

OBJECTIVES: list[Name] = ["grpo", "dr_grpo", "dapo", "gspo", "gspo_token", "cispo", "sapo", "sft"]


def read(toml: str) -> ObjectiveSettings:
    return msgspec.convert(msgspec.toml.decode(toml)["objective"], ObjectiveSettings)


def test_a_recipe_names_an_objective_and_its_modifiers() -> None:
    settings = read("""
        [objective]
        name = "dapo"
        clip_high = 0.3
        [[objective.modifiers]]
        name = "steer"
        minimum = 0.9
        [[objective.modifiers]]
        name = "tis"
        level = "sequence"
    """)
    assert settings.clip == (0.2, 0.3)
    assert settings.modifiers == (m.Steer(minimum=0.9), m.Tis(level="sequence"))
    check(settings)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_is_right_as_it_comes(name: Name) -> None:
    check(ObjectiveSettings(name=name))


@pytest.mark.parametrize(
    "toml",
    [
        '[objective]\nname = "ppo"',
        '[objective]\nname = "dapo"\nclip = 0.2',
        '[objective]\nname = "dapo"\n[[objective.modifiers]]\nname = "steer"\ntau = 0.5',
        '[objective]\nname = "dapo"\n[[objective.modifiers]]\nname = "unheard"',
        '[objective]\nname = "dapo"\n[[objective.modifiers]]\nname = "ar"\nalpha = 1.5',
    ],
)
def test_a_recipe_with_an_unknown_name_or_number_is_not_read(toml: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(toml)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (ObjectiveSettings(name="sft", clip_low=0.2), "clip_low"),
        (ObjectiveSettings(name="sapo", clip_high=0.2), "clip_high"),
        (ObjectiveSettings(name="cispo", dual_clip=3.0), "dual_clip"),
        (ObjectiveSettings(name="sft", kl=0.1), "kl"),
        (ObjectiveSettings(name="grpo", constant=100), "constant"),
        (ObjectiveSettings(name="dapo", tau_positive=1.0), "tau_positive"),
    ],
)
def test_a_field_that_the_objective_does_not_use_is_refused(settings: ObjectiveSettings, field: str) -> None:
    with pytest.raises(RecipeWrong, match=f"field {field} has no effect with objective={settings.name}"):
        check(settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (ObjectiveSettings(clip_low=-0.1), "negative"),
        (ObjectiveSettings(dual_clip=0.5), "more than 1"),
        (ObjectiveSettings(name="dr_grpo", constant=0), "more than 0"),
        (ObjectiveSettings(modifiers=(m.Steer(), m.Steer(minimum=0.5))), "once"),
        (ObjectiveSettings(name="sft", modifiers=(m.Steer(),)), "no effect with objective=sft"),
        (ObjectiveSettings(name="gspo", modifiers=(m.Steer(),)), "choose gspo_token"),
        (ObjectiveSettings(name="gspo", modifiers=(m.Tis(),)), "choose gspo_token"),
        (ObjectiveSettings(name="cispo", modifiers=(m.Hapo(),)), "has none"),
        (ObjectiveSettings(modifiers=(m.Hapo(adaptive_temperature=True),)), "one temperature"),
        (ObjectiveSettings(modifiers=(m.IcePop(low=3.0),)), "nothing would be learnt"),
        (ObjectiveSettings(modifiers=(m.Tis(floor=3.0),)), "above cap"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(settings: ObjectiveSettings, said: str) -> None:
    with pytest.raises(RecipeWrong, match=said):
        check(settings)


@pytest.mark.parametrize("modifier", [m.Tis(), m.IcePop(), m.SequenceMask()], ids=m.name_of)
def test_a_correction_of_the_mismatch_is_refused_where_the_ratio_is_to_the_sampler(modifier: m.Modifier) -> None:
    settings = ObjectiveSettings(modifiers=(modifier,))
    check(settings)
    with pytest.raises(RecipeWrong, match="no effect where pi_old is the sampler's"):
        check(settings, bypass=True)


def test_a_penalty_is_refused_where_nothing_keeps_a_reference_policy() -> None:
    check(ObjectiveSettings(name="grpo", kl=0.0), reference=False)
    with pytest.raises(RecipeWrong, match="reference policy"):
        check(ObjectiveSettings(name="grpo", kl=0.04), reference=False)


def test_corrections_of_whole_sequences_go_with_gspo() -> None:
    modifiers = (m.Tis(level="sequence"), m.SequenceMask(), m.OutlierMask(), m.OffPolicyMask())
    check(ObjectiveSettings(name="gspo", modifiers=modifiers))


def test_the_settings_say_what_a_step_must_bring() -> None:
    assert needs_entropy(ObjectiveSettings(modifiers=(m.Tis(), m.Dmmpt())))
    assert not needs_entropy(ObjectiveSettings(modifiers=(m.Tis(),)))
    assert needs_reference(ObjectiveSettings(name="grpo", kl=0.04))
    assert not needs_reference(ObjectiveSettings(name="grpo", kl=0.0))
    assert passes(ObjectiveSettings(modifiers=(m.Lopti(),))) == 2
    assert passes(ObjectiveSettings()) == 1
