"""`ObjectiveSettings`: which loss, and its numbers; refused where a number would do nothing."""

from typing import Literal

import msgspec

from rl_trainer.errors import RecipeWrong
from rl_trainer.objectives.modifier_settings import (
    Hapo,
    IcePop,
    Lopti,
    Modifier,
    OutlierMask,
    SequenceMask,
    Tis,
    name_of,
)

Name = Literal["grpo", "dr_grpo", "dapo", "gspo", "gspo_token", "cispo", "sapo", "sft"]

_CLIPPED = ("grpo", "dr_grpo", "dapo")
_POLICY = (*_CLIPPED, "gspo", "gspo_token", "cispo", "sapo")
_USED_BY: dict[str, tuple[str, ...]] = {
    "clip_low": (*_CLIPPED, "gspo", "gspo_token", "cispo"),
    "clip_high": (*_CLIPPED, "gspo", "gspo_token", "cispo"),
    "dual_clip": _CLIPPED,
    "kl": _POLICY,
    "constant": ("dr_grpo",),
    "tau_positive": ("sapo",),
    "tau_negative": ("sapo",),
}
_CLIPS: dict[str, tuple[float, float]] = {
    "grpo": (0.2, 0.2),
    "dr_grpo": (0.2, 0.2),
    "dapo": (0.2, 0.28),
    "gspo": (3e-4, 4e-4),
    "gspo_token": (3e-4, 4e-4),
    "cispo": (1.0, 4.0),
}
_PER_SEQUENCE = ("tis", "sequence_mask", "outlier_mask", "off_policy_mask")


class ObjectiveSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is not given has the variant's own default; what the variant does not use may not be given (`check`).

    clip_low and clip_high: a ratio counts from 1 - clip_low to 1 + clip_high. dual_clip: with a negative advantage a
    token's loss is at most this times |A| (3 in verl); 0 is off. kl: the weight of the penalty for leaving the
    reference policy. constant: what Dr.GRPO divides each sequence by, in tokens. tau_positive, tau_negative: how
    steep SAPO's gates are. modifiers: applied in this order.
    """

    name: Name = "dapo"
    clip_low: float | None = None
    clip_high: float | None = None
    dual_clip: float | None = None
    kl: float | None = None
    constant: float | None = None
    tau_positive: float | None = None
    tau_negative: float | None = None
    modifiers: tuple[Modifier, ...] = ()

    @property
    def clip(self) -> tuple[float, float]:
        """(clip_low, clip_high), defaults filled in; (0, 0) where nothing is clipped."""
        low, high = _CLIPS.get(self.name, (0.0, 0.0))
        return (low if self.clip_low is None else self.clip_low, high if self.clip_high is None else self.clip_high)


def check(settings: ObjectiveSettings, *, bypass: bool = False, reference: bool = True) -> None:
    """Refuses what would do nothing, or what its formula does not allow.

    bypass: pi_old is the sampler's. reference: somebody works out the log-probabilities of a reference policy.

    Raises:
        RecipeWrong: it names the field, or the modifier, and what would do instead.
    """
    for field, used_by in _USED_BY.items():
        if getattr(settings, field) is not None and settings.name not in used_by:
            raise RecipeWrong(f"field {field} has no effect with objective={settings.name}; of use with {used_by}")
    _check_numbers(settings)
    if needs_reference(settings) and not reference:
        raise RecipeWrong(f"objective.kl is {settings.kl}, but nothing here keeps a reference policy; leave it out")
    names = [name_of(each) for each in settings.modifiers]
    if len(set(names)) != len(names):
        raise RecipeWrong(f"objective.modifiers: each may be given once; these are {names}")
    for modifier in settings.modifiers:
        _check_modifier(modifier, settings.name, bypass=bypass)


def needs_entropy(settings: ObjectiveSettings) -> bool:
    """Whether the batch must bring the entropies of the current policy."""
    return any(name_of(each) in ("steer", "dmmpt", "hapo") for each in settings.modifiers)


def needs_reference(settings: ObjectiveSettings) -> bool:
    """Whether the batch must bring the log-probabilities of a reference policy."""
    return bool(settings.kl)


def passes(settings: ObjectiveSettings) -> int:
    """How many updates a mini-batch takes: 2 with Lopti, each with the objective of its own part; otherwise 1."""
    return 2 if any(isinstance(each, Lopti) for each in settings.modifiers) else 1


def _check_numbers(settings: ObjectiveSettings) -> None:
    for field in ("clip_low", "clip_high", "dual_clip", "kl"):
        value = getattr(settings, field)
        if value is not None and value < 0:
            raise RecipeWrong(f"objective.{field} is {value}; it cannot be negative")
    for field in ("constant", "tau_positive", "tau_negative"):
        value = getattr(settings, field)
        if value is not None and value <= 0:
            raise RecipeWrong(f"objective.{field} is {value}; it must be more than 0")
    if settings.dual_clip is not None and 0 < settings.dual_clip <= 1:
        raise RecipeWrong(f"objective.dual_clip is {settings.dual_clip}; it must be more than 1, or 0 for none")


def _check_modifier(modifier: Modifier, objective: str, *, bypass: bool) -> None:
    name = name_of(modifier)
    if objective == "sft":
        raise RecipeWrong(f"modifier {name} has no effect with objective=sft, which has no ratio and no advantage")
    if objective == "gspo" and (name not in _PER_SEQUENCE or (isinstance(modifier, Tis) and modifier.level == "token")):
        raise RecipeWrong(
            f"modifier {name} weighs single tokens, but objective=gspo has one ratio for all tokens of a sequence, "
            "which would spread the weights over them; choose gspo_token"
        )
    if isinstance(modifier, Hapo):
        _check_hapo(modifier, objective)
    if isinstance(modifier, IcePop | SequenceMask | OutlierMask) and modifier.low > modifier.high:
        raise RecipeWrong(f"{name}: low is {modifier.low}, above high, {modifier.high}; nothing would be learnt from")
    if isinstance(modifier, Tis) and modifier.floor > modifier.cap:
        raise RecipeWrong(f"tis: floor is {modifier.floor}, above cap, {modifier.cap}")
    if bypass and isinstance(modifier, Tis | IcePop | SequenceMask):
        raise RecipeWrong(
            f"modifier {name} has no effect where pi_old is the sampler's own: pi_old / pi_rollout is 1 everywhere; "
            "let the trainer compute its own log-probabilities before the update"
        )


def _check_hapo(modifier: Hapo, objective: str) -> None:
    if objective not in _CLIPPED:
        raise RecipeWrong(f"modifier hapo moves the clip range of each token's ratio; objective={objective} has none")
    if modifier.adaptive_temperature:
        raise RecipeWrong(
            "hapo.adaptive_temperature draws each token at a temperature of its own, so the sampler's distribution is "
            "not the trainer's, which shares one temperature for all tokens; leave it off"
        )
