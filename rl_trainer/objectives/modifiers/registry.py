# pyright: basic, reportMissingImports=false
"""The modifier of some settings."""

from collections.abc import Callable
from functools import partial
from typing import assert_never

from rl_trainer.objectives import modifier_settings as s
from rl_trainer.objectives.batch import Denominators, TokenBatch
from rl_trainer.objectives.modifiers.dmmpt import dmmpt
from rl_trainer.objectives.modifiers.hapo import hapo
from rl_trainer.objectives.modifiers.mismatch import icepop, outlier_mask, sequence_mask, tis
from rl_trainer.objectives.modifiers.off_policy import off_policy_mask
from rl_trainer.objectives.modifiers.probability import lopti, reweight
from rl_trainer.objectives.modifiers.steer import steer
from rl_trainer.objectives.terms import Terms

Modify = Callable[[TokenBatch, Denominators, Terms], Terms]


def modify_of(settings: s.Modifier, part: int) -> Modify:
    """part: which of the updates of a mini-batch, for those that make several."""
    match settings:
        case s.Reweight():
            return partial(reweight, settings)
        case s.Lopti():
            return partial(lopti, settings, part)
        case s.Steer():
            return partial(steer, settings)
        case s.Dmmpt():
            return partial(dmmpt, settings)
        case s.Hapo():
            return partial(hapo, settings)
        case s.Tis():
            return partial(tis, settings)
        case s.IcePop():
            return partial(icepop, settings)
        case s.SequenceMask():
            return partial(sequence_mask, settings)
        case s.OutlierMask():
            return partial(outlier_mask, settings)
        case s.OffPolicyMask():
            return partial(off_policy_mask, settings)
        case _ as never:
            assert_never(never)
