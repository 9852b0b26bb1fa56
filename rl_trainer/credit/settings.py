"""`CreditSettings`: who gets the credit, as a recipe says it. A field that a variant does not have is refused."""

import msgspec


class GroupSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="name", tag="group"):
    """(R - mean) / (std + delta), over the group."""


class DrGrpoSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="name", tag="dr-grpo"):
    """R - mean."""


class RlooSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="name", tag="rloo"):
    """R - mean of the others."""


class MaxRlSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="name", tag="max-rl"):
    """(R - mean) / mean."""


EstimatorSettings = GroupSettings | DrGrpoSettings | RlooSettings | MaxRlSettings


class CreditSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One estimator, then the modifiers in the order given.

    Example, in a recipe:
        [credit]
        estimator = {name = "group"}
    """

    estimator: EstimatorSettings = GroupSettings()
    modifiers: tuple[()] = ()
