# pyright: basic, reportMissingImports=false
# torch comes with the extra `train`; checking must work without it.
"""`Scorer`: a language model as what the loss needs of it: log-probabilities of the learnt tokens of a row."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rl_trainer.errors import RecipeWrong
from rl_trainer.model.adapters import base_of
from rl_trainer.model.checkpointing import checkpointing
from rl_trainer.sample import Sample
from rl_trainer.step import attention, head
from rl_trainer.step.processes import shard
from rl_trainer.step.row import Row
from rl_trainer.step.settings import StepSettings

_KEPT = "_quartermaster_scorer"
_UNKNOWN_HEADS = ("final_logit_softcapping", "logits_scaling", "logit_scale")


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Of one row: nodes: int64[M], learnt tokens, each once. places: int64[N], which of them each member's learnt
    tokens are, member by member. counts: learnt tokens of each member. before: int64[M], what each follows."""

    nodes: Tensor
    before: Tensor
    places: Tensor
    counts: tuple[int, ...]


def targets_of(row: Row, samples: Sequence[Sample]) -> Targets:
    """samples: what was packed; the row's members are places in it."""
    members = [samples[place] for place in row.members]
    nodes = [path[sample.mask] for path, sample in zip(row.paths, members, strict=True)]
    before = [path[:-1][sample.mask[1:]] for path, sample in zip(row.paths, members, strict=True)]
    unique, first, places = np.unique(np.concatenate(nodes), return_index=True, return_inverse=True)
    return Targets(
        nodes=torch.from_numpy(unique),
        before=torch.from_numpy(np.concatenate(before)[first]),
        places=torch.from_numpy(places),
        counts=tuple(map(len, nodes)),
    )


class Scorer(nn.Module):
    """Calls the model without its head, and the head only where something is learnt."""

    def __init__(self, model: Any, settings: StepSettings) -> None:
        super().__init__()
        base = base_of(model)
        odd = [name for name in _UNKNOWN_HEADS if getattr(base.config, name, None) not in (None, 1, 1.0)]
        if odd:
            raise RecipeWrong(f"a {base.config.model_type} model changes its logits by {odd}, which is not supported")
        self.packed = settings.packing != "none"
        if self.packed:
            attention.install(base)
        self.model = model
        self.settings = settings

    def follow(self, settings: StepSettings) -> None:
        """Go on with the settings of another stage."""
        self.packed, self.settings = settings.packing != "none", settings
        if self.packed:
            attention.install(base_of(self.model))

    def forward(self, row: Row, targets: Targets) -> tuple[Tensor, Tensor]:
        """float32[N] log-probabilities and entropies of the learnt tokens, member by member."""
        base = base_of(self.model)
        device = next(base.parameters()).device
        extra: dict[str, Any] = {"stretches": attention.blocks(row.stretches, device)} if self.packed else {}
        with checkpointing(base) if torch.is_grad_enabled() else nullcontext():
            hidden = base.base_model(
                input_ids=torch.from_numpy(row.ids)[None].to(device),
                position_ids=torch.from_numpy(row.positions)[None].to(device),
                use_cache=False,
                **extra,
            ).last_hidden_state[0]
        ids = torch.from_numpy(row.ids)[targets.nodes].to(device)
        found, entropies = head.log_probs(
            hidden[targets.before.to(device)],
            base.get_output_embeddings().weight,
            ids,
            temperature=self.settings.temperature,
            chunk=self.settings.head_tokens,
        )
        places = targets.places.to(device)
        return found[places], entropies[places]


def scorer_of(model: Any, settings: StepSettings) -> Scorer:
    """Sharded, where the settings say so. A model can be sharded once only, so later stages get the first one's scorer.

    Raises:
        RecipeWrong: the model, or the way this process was started, does not go with the settings.
    """
    if not settings.fsdp:
        return Scorer(model, settings)
    # Not as an attribute: torch would take the scorer for a part of the model that it holds.
    known: Scorer | None = model.__dict__.get(_KEPT)
    if known is None:
        known = Scorer(model, settings)
        shard(known)
        model.__dict__[_KEPT] = known
    known.follow(settings)
    return known
