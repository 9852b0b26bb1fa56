# pyright: basic, reportMissingImports=false
# torch and transformers come with the extra `train`; checking must work without them.
"""Attention within a packed row: a token sees its own sample up to itself. No mask of the row's length squared is made.

Registered with transformers under a name of its own. Without stretches it is plain SDPA, so that the same model still
samples as it did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from rl_trainer.errors import RecipeWrong
from rl_trainer.step.row import Stretch

NAME = "prefix_tree"
BLOCK = 1024
"""Queries at a time: what is above the diagonal of a later block is never worked out, and masks stay small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Queries start to stop; keys: the ranges that they see, their own last. mask: float, or None where causal does."""

    start: int
    stop: int
    keys: tuple[tuple[int, int], ...]
    mask: Tensor | None


def install(model: Any) -> None:
    """Let the model take stretches.

    Raises:
        RecipeWrong: the model attends in a way that packed rows do not know.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    config = model.config
    if config._attn_implementation not in ("sdpa", NAME):
        raise RecipeWrong(
            f'model.attention is {config._attn_implementation}: packed rows need sdpa; or take step.packing = "none"'
        )
    kinds = set(getattr(config, "layer_types", None) or ("full_attention",))
    if kinds != {"full_attention"}:
        raise RecipeWrong(
            f"a {config.model_type} model has layers of {sorted(kinds)}: packed rows need full attention everywhere; "
            'take step.packing = "none"'
        )
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)


def blocks(stretches: Sequence[Stretch], device: Any) -> list[Block]:
    """The stretches in parts of at most `BLOCK` queries, with their masks: the same in every layer, so made once."""
    return [
        _block(stretch, start, min(stretch.stop, start + BLOCK), device)
        for stretch in stretches
        for start in range(stretch.start, stretch.stop, BLOCK)
    ]


def _block(stretch: Stretch, start: int, stop: int, device: Any) -> Block:
    before = stretch.before
    if before and before[-1][1] == stretch.start:
        keys = (*before[:-1], (before[-1][0], stop))
    else:
        keys = (*before, (stretch.start, stop))
    size, seen = stop - start, sum(last - first for first, last in keys)
    if seen == size:
        return Block(start=start, stop=stop, keys=keys, mask=None)
    allowed = torch.ones(size, seen, dtype=torch.bool, device=device).tril(seen - size)
    mask = torch.zeros(size, seen, device=device).masked_fill(~allowed, float("-inf"))
    return Block(start=start, stop=stop, keys=keys, mask=mask)


def attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **rest: Any
) -> tuple[Tensor, None]:
    """transformers' attention function; `stretches` of the row come as a keyword through the model's forward."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    stretches: Sequence[Block] | None = rest.pop("stretches", None)
    if stretches is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **rest)
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    scale = rest.get("scaling")
    out = [_one(query, key, value, block, scale) for block in stretches]
    return torch.cat(out, dim=2).transpose(1, 2).contiguous(), None


def _one(query: Tensor, key: Tensor, value: Tensor, block: Block, scale: float | None) -> Tensor:
    seen_keys, seen_values = _gather(key, block), _gather(value, block)
    mask = None if block.mask is None else block.mask.to(query.dtype)
    return scaled_dot_product_attention(
        query[:, :, block.start : block.stop],
        seen_keys,
        seen_values,
        attn_mask=mask,
        is_causal=mask is None,
        scale=scale,
    )


def _gather(states: Tensor, block: Block) -> Tensor:
    parts = [states[:, :, first:last] for first, last in block.keys]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)
