# pyright: basic, reportMissingImports=false
"""Gradient checkpointing: of each layer only the input is kept, and the rest worked out again on the way back."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any


def checkpoint_layers(model: Any) -> None:
    """Let the layers be checkpointed; it happens inside of `checkpointing` only.

    transformers does it in training mode alone, which would also switch dropout on; so the flag is set on the layers
    themselves, not on what is in them.
    """
    from torch.utils.checkpoint import checkpoint

    for layer in _layers(model):
        layer.gradient_checkpointing = True
        # Without re-entrance parameters keep their hooks, which FSDP needs, and inputs need no gradient.
        layer._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False)


@contextmanager
def checkpointing(model: Any) -> Iterator[None]:
    """For a forward pass that a backward pass follows."""
    layers = [layer for layer in _layers(model) if layer.gradient_checkpointing]
    for layer in layers:
        layer.training = True
    try:
        yield
    finally:
        for layer in layers:
            layer.training = False


def _layers(model: Any) -> list[Any]:
    from transformers.modeling_layers import GradientCheckpointingLayer

    return [layer for layer in model.modules() if isinstance(layer, GradientCheckpointingLayer)]
