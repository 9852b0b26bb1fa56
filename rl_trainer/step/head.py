# pyright: basic, reportMissingImports=false
# torch comes with the extra `train`; checking must work without it.
"""Log-probabilities and entropies of chosen tokens, without ever keeping the logits of all of them.

With z = h W^T / temperature, log p(y) = z_y - logsumexp(z) and H = logsumexp(z) - sum_v p_v z_v. The gradient needs no
logits of the forward pass: d log p(y) / dz = onehot(y) - p, and p is worked out again from h, W and the logsumexp.
"""

from typing import Any

import torch
from torch import Tensor


def log_probs(
    hidden: Tensor, weight: Tensor, targets: Tensor, *, temperature: float = 1.0, chunk: int = 512
) -> tuple[Tensor, Tensor]:
    """float32[N] log-probabilities of `targets` and float32[N] entropies in nats (these without gradient).

    hidden: [N, width], what the head sees at the position before each target. weight: [vocabulary, width].
    """
    return _LogProbs.apply(hidden, weight, targets, temperature, chunk)


class _LogProbs(torch.autograd.Function):
    """One chunk of logits at a time, forward and back."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, temperature: float, chunk: int
    ) -> tuple[Tensor, Tensor]:
        cast = _cast(hidden)
        found = [
            _forward(states, weight.to(cast), wanted, temperature)
            for states, wanted in zip(hidden.to(cast).split(chunk), targets.split(chunk), strict=True)
        ]
        chosen, sums, entropies = (torch.cat(part) for part in zip(*found, strict=True))
        ctx.save_for_backward(hidden, weight, targets, sums)
        ctx.temperature, ctx.chunk, ctx.cast = temperature, chunk, cast
        ctx.mark_non_differentiable(entropies)
        return chosen, entropies

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        hidden, weight, targets, sums = ctx.saved_tensors
        to_hidden = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        to_weight = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        narrow = weight.to(ctx.cast)
        for start in range(0, len(targets), ctx.chunk):
            part = slice(start, start + ctx.chunk)
            states = hidden[part].to(ctx.cast)
            inner = _to_logits(states, narrow, targets[part], sums[part], grads[0][part], ctx.temperature)
            if to_hidden is not None:
                to_hidden[part] = (inner @ narrow).to(hidden.dtype)
            if to_weight is not None:
                to_weight += inner.T @ states
        return to_hidden, to_weight, None, None, None


def _cast(hidden: Tensor) -> torch.dtype:
    kind = hidden.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype


def _logits(states: Tensor, weight: Tensor, temperature: float) -> Tensor:
    logits = (states @ weight.T).float()
    return logits if temperature == 1.0 else logits.div_(temperature)


def _forward(states: Tensor, weight: Tensor, wanted: Tensor, temperature: float) -> tuple[Tensor, Tensor, Tensor]:
    logits = _logits(states, weight, temperature)
    sums = logits.logsumexp(-1)
    chosen = logits.gather(-1, wanted[:, None])[:, 0] - sums
    # A logit of -inf has no part in the entropy: its probability is 0.
    mean = torch.linalg.vecdot((logits - sums[:, None]).exp_(), logits.nan_to_num_(neginf=0.0))
    return chosen, sums, sums - mean


def _to_logits(
    states: Tensor, weight: Tensor, wanted: Tensor, sums: Tensor, grad: Tensor, temperature: float
) -> Tensor:
    """The gradient with respect to the logits before the temperature, in the type that matrices are multiplied in."""
    inner = _logits(states, weight, temperature).sub_(sums[:, None]).exp_()
    inner.mul_(-grad[:, None])
    inner.scatter_add_(1, wanted[:, None], grad[:, None])
    return inner.div_(temperature).to(states.dtype)
