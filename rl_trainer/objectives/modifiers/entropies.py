# pyright: basic, reportMissingImports=false
"""The entropies that a modifier cannot do without, and the tokens that it compares with each other."""

from collections.abc import Iterator

import torch
from torch import Tensor

from rl_trainer.errors import RecipeWrong
from rl_trainer.objectives.batch import Denominators, TokenBatch
from rl_trainer.objectives.modifier_settings import Extent


def entropies_of(batch: TokenBatch, modifier: str) -> Tensor:
    """float[N], in nats.

    Raises:
        RecipeWrong: they were not computed.
    """
    if batch.entropies is None:
        raise RecipeWrong(
            f"modifier {modifier} needs the entropy of every token's distribution, which this step does not compute"
        )
    return batch.entropies.detach()


def compared(batch: TokenBatch, denominators: Denominators, *, over: Extent, modifier: str) -> Iterator[Tensor]:
    """The places of the tokens of each sequence; or of all, where the whole step is in this micro-batch.

    Raises:
        RecipeWrong: the whole step is asked for, and this is a part of it: how it is split would change the loss.
    """
    if over == "batch":
        if batch.count != denominators.sequences:
            raise RecipeWrong(
                f"{modifier}.over is batch, but this micro-batch has {batch.count} of the step's "
                f"{denominators.sequences:g} sequences; take a whole step at once, or over=sequence"
            )
        yield torch.arange(len(batch.sequences), device=batch.sequences.device)
        return
    for sequence in range(batch.count):
        yield (batch.sequences == sequence).nonzero().squeeze(1)
