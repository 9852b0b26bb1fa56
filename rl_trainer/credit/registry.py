"""From `CreditSettings` to the estimator that they describe."""

from rl_trainer.credit.credit import Estimator
from rl_trainer.credit.fairness import without_failed_worlds
from rl_trainer.credit.group_relative import centred_only, group_relative, leave_one_out, mean_normalised
from rl_trainer.credit.settings import (
    CreditSettings,
    DrGrpoSettings,
    EstimatorSettings,
    GroupSettings,
    MaxRlSettings,
    RlooSettings,
)


def credit_of(settings: CreditSettings) -> Estimator:
    """The estimator with its modifiers; members whose world failed are left out of it and get 0."""
    return without_failed_worlds(_estimator(settings.estimator))


def _estimator(settings: EstimatorSettings) -> Estimator:
    match settings:
        case GroupSettings():
            return group_relative
        case DrGrpoSettings():
            return centred_only
        case RlooSettings():
            return leave_one_out
        case MaxRlSettings():
            return mean_normalised
