"""From `CreditSettings` to the estimator that they describe."""

from functools import partial
from typing import Literal

from rl_trainer.credit import settings as of
from rl_trainer.credit.checkpoints import budget_relative
from rl_trainer.credit.credit import Estimator, Modifier
from rl_trainer.credit.entropy_rewards import entropy_sequences, entropy_tokens
from rl_trainer.credit.fairness import without_failed_worlds
from rl_trainer.credit.group_relative import centred_only, group_relative, leave_one_out, mean_normalised
from rl_trainer.credit.key_actions import key_actions
from rl_trainer.credit.memory_turns import value_memory
from rl_trainer.credit.prefix_values import prefix_values
from rl_trainer.credit.process_sets import share_weights
from rl_trainer.credit.segments import mask_probable, segment_values
from rl_trainer.credit.settings import CreditSettings, EstimatorSettings, ModifierSettings
from rl_trainer.credit.state_groups import nested_state_groups, state_groups
from rl_trainer.errors import RecipeWrong

Need = Literal["states", "values", "scores", "entropies"]
"""state_key, value, score and entropies of turns; values come from `rl_trainer.forks`, scores from checkpoints."""

_NEEDS: dict[str, tuple[Need, ...]] = {
    "gigpo": ("states",),
    "hgpo": ("states",),
    "spo": ("values",),
    "motif": ("values",),
    "brpo": ("scores",),
    "gtpo": ("entropies",),
    "grpo_s": ("entropies",),
}


def credit_of(settings: CreditSettings) -> Estimator:
    """The estimator with its modifiers; members whose world failed are left out of it and get 0.

    Raises:
        RecipeWrong: a modifier is given twice.
    """
    names = [_name(each) for each in settings.modifiers]
    if len(set(names)) != len(names):
        raise RecipeWrong(f"credit.modifiers: each may be given once; these are {names}")
    return without_failed_worlds(_estimator(settings.estimator), [_modifier(each) for each in settings.modifiers])


def needs(settings: CreditSettings) -> set[Need]:
    """What rollouts must record for it, so that a recipe without that can be refused before anything runs."""
    return {need for each in (settings.estimator, *settings.modifiers) for need in _NEEDS.get(_name(each), ())}


def _name(settings: EstimatorSettings | ModifierSettings) -> str:
    return str(settings.__struct_config__.tag)


def _estimator(settings: EstimatorSettings) -> Estimator:
    match settings:
        case of.GroupRelative():
            return group_relative
        case of.Centred():
            return centred_only
        case of.LeaveOneOut():
            return leave_one_out
        case of.MeanNormalised():
            return mean_normalised
        case of.PrefixValues():
            return partial(prefix_values, settings=settings)
        case of.StateGroups():
            return partial(state_groups, settings=settings)
        case of.NestedStateGroups():
            return partial(nested_state_groups, settings=settings)
        case of.Segments():
            return partial(segment_values, settings=settings)
        case of.Checkpoints():
            return partial(budget_relative, settings=settings)
        case of.EntropyTokens():
            return partial(entropy_tokens, settings=settings)
        case of.EntropySequences():
            return partial(entropy_sequences, settings=settings)


def _modifier(settings: ModifierSettings) -> Modifier:
    match settings:
        case of.SharedPrefixes():
            return partial(share_weights, settings=settings)
        case of.ProbabilityMask():
            return partial(mask_probable, settings=settings)
        case of.KeyActions():
            return partial(key_actions, settings=settings)
        case of.MemoryTurns():
            return partial(value_memory, settings=settings)
