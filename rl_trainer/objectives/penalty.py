# pyright: basic, reportMissingImports=false
"""The penalty for leaving a reference policy."""

from torch import Tensor

from rl_trainer.errors import RecipeWrong
from rl_trainer.objectives.batch import TokenBatch


def k3(batch: TokenBatch) -> Tensor:
    """float[N]: pi_ref / pi - log(pi_ref / pi) - 1, an estimate of KL(pi || pi_ref) that is never negative.

    Schulman 2020, estimator k3; GRPO's formula 4.

    Raises:
        RecipeWrong: the batch brings no log-probabilities of the reference.
    """
    if batch.reference is None:
        raise RecipeWrong(
            "objective.kl is above 0, but the batch has no log-probabilities of a reference policy; set kl to 0"
        )
    off = batch.reference - batch.logprobs
    return off.exp() - off - 1.0
