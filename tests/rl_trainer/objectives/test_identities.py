"""What a variant becomes where its theory says so, and that how a step is split changes nothing; needs `train`."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rl_trainer.errors import RecipeWrong
from rl_trainer.objectives import modifier_settings as m
from rl_trainer.objectives.settings import Name, ObjectiveSettings
from tests.rl_trainer.objectives import numpy_reference as reference
from tests.rl_trainer.objectives.numpy_reference import Sequence, ragged

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from rl_trainer.objectives.measures import joined, per_token  # noqa: E402
from rl_trainer.objectives.modifiers.hapo import entropy_score  # noqa: E402
from rl_trainer.objectives.registry import objective_of  # noqa: E402
from tests.rl_trainer.objectives.torch_batches import batch_of, denominators_of, outcome  # noqa: E402

POLICY: list[Name] = ["grpo", "dr_grpo", "dapo", "gspo", "gspo_token", "cispo", "sapo"]
DAPO = ObjectiveSettings(name="dapo")
LENGTHS = [3, 1, 7, 5]


def same(left: tuple[float, Any], right: tuple[float, Any]) -> None:
    assert left[0] == pytest.approx(right[0], abs=1e-12)
    np.testing.assert_allclose(left[1], right[1], atol=1e-12)


def with_modifier(modifier: m.Modifier) -> ObjectiveSettings:
    return ObjectiveSettings(name="dapo", modifiers=(modifier,))


def on_policy(sequences: list[Sequence]) -> list[Sequence]:
    return [replace(each, old=each.now, rollout=each.now) for each in sequences]


def test_dapo_with_equal_lengths_and_an_even_clip_is_grpo() -> None:
    sequences = ragged(0, [6, 6, 6])
    even = ObjectiveSettings(name="dapo", clip_low=0.2, clip_high=0.2)
    same(outcome(even, sequences), outcome(ObjectiveSettings(name="grpo"), sequences))


def test_dr_grpo_whose_sequences_all_have_the_constant_length_is_grpo() -> None:
    sequences = ragged(1, [6, 6, 6])
    constant = ObjectiveSettings(name="dr_grpo", constant=6)
    same(outcome(constant, sequences), outcome(ObjectiveSettings(name="grpo"), sequences))


@pytest.mark.parametrize("name", ["gspo", "gspo_token"])
def test_gspo_of_single_tokens_is_grpo(name: Name) -> None:
    sequences = ragged(2, [1, 1, 1, 1, 1])
    alike = {"clip_low": 0.2, "clip_high": 0.2}
    same(outcome(ObjectiveSettings(name=name, **alike), sequences), outcome(ObjectiveSettings(name="grpo"), sequences))


def test_gspo_and_gspo_token_are_one_where_a_sequence_has_one_advantage() -> None:
    sequences = ragged(3, LENGTHS, per_token=False)
    wide = {"clip_low": 0.1, "clip_high": 0.1}
    whole = outcome(ObjectiveSettings(name="gspo", **wide), sequences)
    same(whole, outcome(ObjectiveSettings(name="gspo_token", **wide), sequences))


@pytest.mark.parametrize("name", POLICY)
def test_on_policy_every_objective_is_the_policy_gradient_by_its_own_normaliser(name: Name) -> None:
    sequences = on_policy(ragged(4, LENGTHS, per_token=name != "gspo"))
    _, gradient = outcome(ObjectiveSettings(name=name), sequences)
    divisor = {"dapo": sum(LENGTHS), "cispo": sum(LENGTHS), "dr_grpo": 16 * len(LENGTHS)}
    expected = [-each.advantages * each.weights / divisor.get(name, len(each.now) * len(LENGTHS)) for each in sequences]
    np.testing.assert_allclose(gradient, np.concatenate(expected), atol=1e-12)


@pytest.mark.parametrize(
    "modifier",
    [
        m.Reweight(alpha=0.0),
        m.Steer(minimum=1.0),
        m.Dmmpt(sigma=0.0),
        m.OffPolicyMask(delta=50.0),
        m.OutlierMask(low=0.0, high=1e9),
        m.SequenceMask(low=0.0, high=1e9),
    ],
    ids=m.name_of,
)
def test_a_modifier_at_its_neutral_setting_is_dapo(modifier: m.Modifier) -> None:
    sequences = ragged(5, LENGTHS)
    same(outcome(with_modifier(modifier), sequences), outcome(DAPO, sequences))


@pytest.mark.parametrize("modifier", [m.Tis(), m.Tis(level="sequence"), m.IcePop(), m.SequenceMask()])
def test_where_the_sampler_is_the_trainer_a_correction_of_the_mismatch_is_dapo(modifier: m.Modifier) -> None:
    sequences = [replace(each, rollout=each.old) for each in ragged(6, LENGTHS)]
    same(outcome(with_modifier(modifier), sequences), outcome(DAPO, sequences))


def test_hapo_whose_entropies_are_all_alike_is_dapo() -> None:
    sequences = [replace(each, entropies=np.full(len(each.now), 0.7)) for each in ragged(7, LENGTHS)]
    same(outcome(with_modifier(m.Hapo()), sequences), outcome(DAPO, sequences))


def test_hapo_gives_tokens_of_low_entropy_a_score_below_zero() -> None:
    """In the published code the scale of the negative half is itself negative, and no score is below 0."""
    entropies = torch.from_numpy(np.random.default_rng(0).uniform(0.01, 2.0, 12))
    scores = entropy_score(entropies, quantile=0.8)
    assert int((scores < 0).sum()) == 9
    assert float(scores.min()) == pytest.approx(-1.0)
    assert float(scores.max()) == pytest.approx(1.0)
    assert (scores.argsort() == entropies.argsort()).all()


def test_the_two_updates_of_lopti_have_every_token_once() -> None:
    sequences = ragged(8, LENGTHS)
    lopti = with_modifier(m.Lopti())
    rare, common = outcome(lopti, sequences, part=0), outcome(lopti, sequences, part=1)
    loss, gradient = outcome(DAPO, sequences)
    assert rare[0] + common[0] == pytest.approx(loss)
    np.testing.assert_allclose(rare[1] + common[1], gradient, atol=1e-12)
    assert not np.any((rare[1] != 0) & (common[1] != 0))


@pytest.mark.parametrize("name", [*POLICY, "sft"])
def test_how_a_step_is_split_into_micro_batches_changes_nothing(name: Name) -> None:
    modifiers = (m.OffPolicyMask(delta=0.05),) if name in ("gspo", "sft") else (m.Steer(), m.Tis(), m.Dmmpt(sigma=1.0))
    settings = ObjectiveSettings(name=name, modifiers=() if name == "sft" else modifiers)
    sequences = ragged(9, LENGTHS, per_token=name != "gspo")
    whole = outcome(settings, sequences)
    parts = [outcome(settings, part, step=sequences) for part in (sequences[:1], sequences[1:3], sequences[3:])]
    same(whole, (sum(loss for loss, _ in parts), np.concatenate([gradient for _, gradient in parts])))


def test_what_is_compared_over_the_whole_step_refuses_a_part_of_it() -> None:
    sequences = ragged(10, LENGTHS)
    with pytest.raises(RecipeWrong, match="1 of the step's 4 sequences"):
        outcome(with_modifier(m.Steer(over="batch")), sequences[:1], step=sequences)


@pytest.mark.parametrize("modifier", [m.Steer(), m.Dmmpt(), m.Hapo()], ids=m.name_of)
def test_a_modifier_by_entropy_refuses_a_batch_without_entropies(modifier: m.Modifier) -> None:
    sequences = ragged(11, LENGTHS)
    with pytest.raises(RecipeWrong, match="needs the entropy"):
        objective_of(with_modifier(modifier))(replace(batch_of(sequences), entropies=None), denominators_of(sequences))


def test_a_penalty_refuses_a_batch_without_a_reference() -> None:
    sequences = ragged(11, LENGTHS)
    with pytest.raises(RecipeWrong, match="reference policy"):
        objective_of(ObjectiveSettings(name="grpo", kl=0.1))(
            replace(batch_of(sequences), reference=None), denominators_of(sequences)
        )


def test_gspo_refuses_credits_that_differ_inside_a_sequence() -> None:
    with pytest.raises(RecipeWrong, match="choose gspo_token"):
        outcome(ObjectiveSettings(name="gspo"), ragged(12, LENGTHS))


def test_gspo_takes_one_credit_for_a_long_sequence_in_single_precision() -> None:
    sequences = [
        replace(each, advantages=np.full(len(each.now), 0.7)) for each in ragged(12, [20_000], per_token=False)
    ]
    batch = batch_of(sequences)
    names = ("logprobs", "old", "rollout", "advantages", "weights")
    single = replace(batch, **{name: getattr(batch, name).detach().float() for name in names})
    loss, _ = objective_of(ObjectiveSettings(name="gspo"))(single, denominators_of(sequences))
    assert torch.isfinite(loss)


def test_lopti_refuses_a_step_that_makes_one_update() -> None:
    with pytest.raises(RecipeWrong, match="two updates"):
        objective_of(with_modifier(m.Lopti()))


def test_a_ratio_beyond_all_bounds_leaves_numbers() -> None:
    far = [replace(each, old=each.now - 500, rollout=each.now + 500) for each in ragged(13, LENGTHS)]
    for name in POLICY:
        sequences = [
            replace(each, advantages=np.full(len(each.now), -1.0), weights=np.ones(len(each.now))) for each in far
        ]
        loss, gradient = outcome(ObjectiveSettings(name=name), sequences)
        assert np.isfinite(loss)
        assert np.isfinite(gradient).all()


def test_statistics_of_micro_batches_join_to_those_of_the_step() -> None:
    sequences = ragged(14, LENGTHS)
    run = objective_of(DAPO)
    whole = run(batch_of(sequences), denominators_of(sequences))[1]
    parts = [run(batch_of(part), denominators_of(sequences))[1] for part in (sequences[:2], sequences[2:])]
    assert joined(parts) == pytest.approx(joined([whole]))
    means = per_token(joined(parts))
    now, rollout = (np.concatenate([getattr(each, name) for each in sequences]) for name in ("now", "rollout"))
    assert means["drift"] == pytest.approx(np.abs(now - rollout).mean())
    assert means["drift_max"] == pytest.approx(np.abs(now - rollout).max())
    ratios = np.exp(now - np.concatenate([each.old for each in sequences]))
    gains = np.concatenate([each.advantages for each in sequences])
    assert means["clipped_high"] == pytest.approx(((ratios > 1.28) & (gains > 0)).mean())
    assert means["tokens"] == sum(LENGTHS)


def test_tokens_need_not_stand_sequence_by_sequence() -> None:
    sequences = ragged(15, LENGTHS)
    batch = batch_of(sequences)
    order = torch.from_numpy(np.random.default_rng(0).permutation(sum(LENGTHS)))
    names = ("logprobs", "old", "rollout", "advantages", "weights", "sequences", "entropies", "reference")
    mixed = replace(batch, **{name: getattr(batch, name)[order] for name in names})
    settings = ObjectiveSettings(name="gspo_token", modifiers=(m.Steer(), m.Tis(level="sequence")))
    denominators = denominators_of(sequences)
    loss, _ = objective_of(settings)(mixed, denominators)
    assert float(loss.detach()) == pytest.approx(reference.loss(settings, sequences, denominators.longest))
