# pyright: basic, reportMissingImports=false
"""The objective of some settings: one function from a micro-batch to its share of the loss."""

from collections.abc import Callable
from functools import partial

from torch import Tensor

from rl_trainer.errors import RecipeWrong
from rl_trainer.objectives import cispo, dapo, dr_grpo, grpo, gspo, sapo, sft
from rl_trainer.objectives.batch import Denominators, TokenBatch
from rl_trainer.objectives.measures import measures
from rl_trainer.objectives.modifiers.registry import modify_of
from rl_trainer.objectives.penalty import k3
from rl_trainer.objectives.settings import ObjectiveSettings, check, passes
from rl_trainer.objectives.surrogate import Surrogate
from rl_trainer.objectives.terms import Terms, terms_of

Objective = Callable[[TokenBatch, Denominators], tuple[Tensor, dict[str, Tensor]]]
"""This micro-batch's share of the loss (the shares of a step sum up to the loss), and its statistics: sums over
tokens, except those named `..._max`, which are largest values (`measures.joined`)."""


def objective_of(settings: ObjectiveSettings, *, part: int | None = None) -> Objective:
    """part: which of the `passes(settings)` updates of a mini-batch it is for; needed only where there are several.

    Raises:
        RecipeWrong: the settings contradict each other, or there are several updates and none is named.
    """
    check(settings)
    if part is None and passes(settings) > 1:
        raise RecipeWrong("modifier lopti makes two updates of every mini-batch; this step makes only one")
    modifiers = [modify_of(each, part or 0) for each in settings.modifiers]

    def objective(batch: TokenBatch, denominators: Denominators) -> tuple[Tensor, dict[str, Tensor]]:
        terms = terms_of(batch, settings.clip)
        for modify in modifiers:
            terms = modify(batch, denominators, terms)
        found = _surrogate(settings)(batch, terms)
        losses = found.losses * terms.weights
        if settings.kl:
            losses = losses + settings.kl * k3(batch)
        loss = (losses * _share(settings, batch, denominators)).sum()
        return loss, measures(batch, found, terms)

    return objective


def _surrogate(settings: ObjectiveSettings) -> Callable[[TokenBatch, Terms], Surrogate]:
    match settings.name:
        case "gspo":
            return gspo.surrogate
        case "gspo_token":
            return gspo.token_surrogate
        case "cispo":
            return cispo.surrogate
        case "sapo":
            positive, negative = settings.tau_positive or sapo.TAU_POSITIVE, settings.tau_negative or sapo.TAU_NEGATIVE
            return partial(sapo.surrogate, positive=positive, negative=negative)
        case "sft":
            return sft.surrogate
        case "grpo" | "dr_grpo" | "dapo":
            module = {"grpo": grpo, "dr_grpo": dr_grpo, "dapo": dapo}[settings.name]
            return partial(module.surrogate, dual_clip=settings.dual_clip or 0.0)


def _share(settings: ObjectiveSettings, batch: TokenBatch, denominators: Denominators) -> Tensor:
    match settings.name:
        case "grpo" | "gspo" | "gspo_token" | "sapo":
            return grpo.share(batch, denominators)
        case "dr_grpo":
            return dr_grpo.share(batch, denominators, settings.constant or denominators.longest)
        case "dapo" | "cispo" | "sft":
            return dapo.share(batch, denominators)
