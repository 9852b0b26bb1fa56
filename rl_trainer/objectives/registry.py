# pyright: basic, reportMissingImports=false
"""The objective of some settings: one function from a micro-batch to its share of the loss."""

from collections.abc import Callable

from torch import Tensor

from rl_trainer.objectives.batch import Denominators, TokenBatch
from rl_trainer.objectives.settings import ObjectiveSettings

Objective = Callable[[TokenBatch, Denominators], tuple[Tensor, dict[str, Tensor]]]
"""This micro-batch's share of the loss (the shares of a step sum up to the loss), and its statistics: sums over
tokens, except those named `..._max`, which are largest values (rl_trainer/objectives/measures.py joins them)."""


def objective_of(settings: ObjectiveSettings, *, part: int = 0) -> Objective:
    """part: which of `passes(settings)` updates of a mini-batch it is for.

    Raises:
        RecipeWrong: the settings contradict each other (rl_trainer/objectives/settings.py).
    """
    raise NotImplementedError(settings, part)
