"""`CreditSettings`: who gets the credit, as a recipe says it. A field that a variant does not have is refused."""

from typing import Annotated, Literal

import msgspec

Level = Literal["token", "turn", "action"]
Scale = Literal["std", "none"]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Number = Annotated[float, msgspec.Meta(ge=0.0)]
Positive = Annotated[float, msgspec.Meta(gt=0.0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """What all have in common."""


class GroupRelative(_Settings, frozen=True, tag="group"):
    """(R - mean) / (std + delta), over the group."""


class Centred(_Settings, frozen=True, tag="dr_grpo"):
    """R - mean."""


class LeaveOneOut(_Settings, frozen=True, tag="rloo"):
    """R - mean of the others."""


class MeanNormalised(_Settings, frozen=True, tag="max_rl"):
    """(R - mean) / mean."""


class PrefixValues(_Settings, frozen=True, tag="tempo"):
    """TEMPO. level: what a prefix is of. root: whether the first branch, off the task itself, counts as one."""

    level: Level = "action"
    root: bool = True


class StateGroups(_Settings, frozen=True, tag="gigpo"):
    """GiGPO. gamma: discount a turn. omega: how much the comparison of turns counts. scale: none is its mean_norm."""

    gamma: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 0.95
    omega: Number = 1.0
    scale: Scale = "std"


class NestedStateGroups(_Settings, frozen=True, tag="hgpo"):
    """HGPO. history: K, how many steps before a state are looked at. alpha: 0 weighs all levels alike."""

    history: Annotated[int, msgspec.Meta(ge=0)] = 4
    alpha: Number = 1.0
    gamma: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 0.95
    omega: Number = 1.0
    scale: Scale = "std"


class Segments(_Settings, frozen=True, tag="spo"):
    """SPO. every: a segment is so many turns; `rl_trainer.forks` must have valued the states between them."""

    every: Count = 1


class Checkpoints(_Settings, frozen=True, tag="brpo"):
    """BRPO. budgets: turns, ascending; the last must be no less than a run can have. prior: how likely each budget is:
    base (the last only), uniform, or linear (later ones more)."""

    budgets: tuple[Count, ...]
    prior: Literal["base", "uniform", "linear"] = "uniform"

    def __post_init__(self) -> None:
        if not self.budgets or list(self.budgets) != sorted(set(self.budgets)):
            raise ValueError(f"brpo: budgets must be one or more ascending numbers of turns, not {self.budgets}")


class EntropyTokens(_Settings, frozen=True, tag="gtpo"):
    """GTPO. reward and entropy: alpha_1 and alpha_2."""

    reward: Positive = 1.0
    entropy: Number = 0.1


class EntropySequences(_Settings, frozen=True, tag="grpo_s"):
    """GRPO-S. reward and entropy: alpha_1 and alpha_2."""

    reward: Positive = 1.0
    entropy: Number = 0.1


EstimatorSettings = (
    GroupRelative
    | Centred
    | LeaveOneOut
    | MeanNormalised
    | PrefixValues
    | StateGroups
    | NestedStateGroups
    | Segments
    | Checkpoints
    | EntropyTokens
    | EntropySequences
)


class SharedPrefixes(_Settings, frozen=True, tag="lambda"):
    """lambda-GRPO: weight 1 / |lambda|. level: what a prefix is of."""

    level: Level = "token"


class ProbabilityMask(_Settings, frozen=True, tag="probability_mask"):
    """SPO's: no loss on tokens that were drawn with this probability or more."""

    below: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 0.9


class KeyActions(_Settings, frozen=True, tag="ktae"):
    """KTAE on actions. alpha, beta: weights of Fisher's test and of the information gain. gamma: of the frequencies.

    ngrams: the longest run of tools that is a feature. scale: KTAE is between -scale and scale.
    """

    alpha: Number = 1.0
    beta: Number = 1.0
    gamma: Number = 1.0
    ngrams: Count = 2
    scale: Positive = 1.0

    def __post_init__(self) -> None:
        if self.alpha + self.beta == 0:
            raise ValueError("ktae: alpha and beta must not both be 0, or every action is worth nothing")


class MemoryTurns(_Settings, frozen=True, tag="motif"):
    """MOTIF: what was written for the memory is worth the mean outcome of runs that went on from it."""


ModifierSettings = SharedPrefixes | ProbabilityMask | KeyActions | MemoryTurns


class CreditSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One estimator, then the modifiers in the order given.

    Example, in a recipe:
        [credit]
        estimator = {name = "gigpo", gamma = 1.0}
        modifiers = [{name = "lambda", level = "action"}]
    """

    estimator: EstimatorSettings = GroupRelative()
    modifiers: tuple[ModifierSettings, ...] = ()
