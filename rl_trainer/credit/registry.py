"""From `CreditSettings` to the estimator that they describe."""

from functools import partial

from rl_trainer.credit.credit import Estimator, Modifier
from rl_trainer.credit.fairness import without_failed_worlds
from rl_trainer.credit.group_relative import centred_only, group_relative, leave_one_out, mean_normalised
from rl_trainer.credit.prefix_values import prefix_values
from rl_trainer.credit.process_sets import share_weights
from rl_trainer.credit.settings import (
    Centred,
    CreditSettings,
    EstimatorSettings,
    GroupRelative,
    LeaveOneOut,
    MeanNormalised,
    ModifierSettings,
    NestedStateGroups,
    PrefixValues,
    SharedPrefixes,
    StateGroups,
)
from rl_trainer.credit.state_groups import nested_state_groups, state_groups


def credit_of(settings: CreditSettings) -> Estimator:
    """The estimator with its modifiers; members whose world failed are left out of it and get 0."""
    return without_failed_worlds(_estimator(settings.estimator), [_modifier(each) for each in settings.modifiers])


def _estimator(settings: EstimatorSettings) -> Estimator:
    match settings:
        case GroupRelative():
            return group_relative
        case Centred():
            return centred_only
        case LeaveOneOut():
            return leave_one_out
        case MeanNormalised():
            return mean_normalised
        case PrefixValues():
            return partial(prefix_values, settings=settings)
        case StateGroups():
            return partial(state_groups, settings=settings)
        case NestedStateGroups():
            return partial(nested_state_groups, settings=settings)
        case _:
            raise NotImplementedError


def _modifier(settings: ModifierSettings) -> Modifier:
    match settings:
        case SharedPrefixes():
            return partial(share_weights, settings=settings)
        case _:
            raise NotImplementedError
