"""The numbers of each modifier. In a recipe: [[objective.modifiers]] with a name and the modifier's own fields."""

from typing import Annotated, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Positive = Annotated[float, msgspec.Meta(gt=0.0)]
Extent = Literal["sequence", "batch"]
"""Over which tokens a largest value or a quantile is taken. `batch` needs the whole step in one micro-batch."""


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """What all have in common."""


class Reweight(_Settings, frozen=True, tag="ar"):
    """Advantage reweighting: A * (alpha * pi_old + 1 - alpha)."""

    alpha: Share = 0.3


class Lopti(_Settings, frozen=True, tag="lopti"):
    """Two updates: tokens with pi_old <= threshold first, the others after them."""

    threshold: Share = 0.5


class Steer(_Settings, frozen=True, tag="steer"):
    """Weights between `minimum` and 1; the token that moves the entropy most has the least."""

    minimum: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 0.8
    floor: Positive = 0.02
    over: Extent = "sequence"


class Dmmpt(_Settings, frozen=True, tag="dmmpt"):
    """No loss on tokens that are mastered: positive advantage, probability of `tau` or more, where the sequence's mean
    entropy is below `sigma` nats."""

    tau: Share = 0.99
    sigma: Annotated[float, msgspec.Meta(ge=0.0)] = 0.2


class Hapo(_Settings, frozen=True, tag="hapo"):
    """Advantages and clip ranges by entropy. adaptive_temperature: always refused, and says why."""

    quantile: Share = 0.8
    over: Extent = "sequence"
    adaptive_temperature: bool = False


class Tis(_Settings, frozen=True, tag="tis"):
    """Truncated importance sampling: weight pi_old / pi_rollout, held between floor and cap."""

    level: Literal["token", "sequence"] = "token"
    cap: Positive = 2.0
    floor: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0


class IcePop(_Settings, frozen=True, tag="icepop"):
    """Weight pi_old / pi_rollout from low to high, 0 elsewhere."""

    low: Annotated[float, msgspec.Meta(ge=0.0)] = 0.5
    high: Positive = 2.0


class SequenceMask(_Settings, frozen=True, tag="sequence_mask"):
    """No loss on sequences whose geometric mean of pi_old / pi_rollout is not from low to high."""

    low: Annotated[float, msgspec.Meta(ge=0.0)] = 0.99
    high: Positive = 1.01


class OutlierMask(_Settings, frozen=True, tag="outlier_mask"):
    """No loss on sequences that have a token whose pi_theta / pi_rollout is not from low to high."""

    low: Annotated[float, msgspec.Meta(ge=0.0)] = 1e-4
    high: Positive = 100.0


class OffPolicyMask(_Settings, frozen=True, tag="off_policy_mask"):
    """No loss on tokens of negative advantage in sequences whose mean log(pi_rollout / pi_theta) is above delta."""

    delta: Annotated[float, msgspec.Meta(ge=0.0)] = 0.5


Modifier = Reweight | Lopti | Steer | Dmmpt | Hapo | Tis | IcePop | SequenceMask | OutlierMask | OffPolicyMask


def name_of(modifier: Modifier) -> str:
    """As a recipe calls it."""
    return str(type(modifier).__struct_config__.tag)
