# pyright: basic, reportMissingImports=false
"""Log-probabilities in chunks are those of the whole softmax, and so is their gradient."""

import pytest

pytest.importorskip("torch")

import torch

from rl_trainer.step.head import log_probs


def plain(hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, temperature: float) -> torch.Tensor:
    logits = hidden @ weight.T / temperature
    return logits.log_softmax(-1).gather(-1, targets[:, None])[:, 0]


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("chunk", [3, 100])
def test_chunks_give_the_softmax_s_log_probabilities_and_gradient(temperature: float, chunk: int) -> None:
    draw = torch.Generator().manual_seed(1)
    hidden = torch.randn(10, 6, generator=draw, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(7, 6, generator=draw, dtype=torch.float64, requires_grad=True)
    targets = torch.randint(0, 7, (10,), generator=draw)
    scale = torch.randn(10, generator=draw)
    expected = plain(hidden, weight, targets, temperature)
    found, entropies = log_probs(hidden, weight, targets, temperature=temperature, chunk=chunk)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-6)
    probabilities = (hidden @ weight.T / temperature).softmax(-1)
    torch.testing.assert_close(entropies.double(), -(probabilities * probabilities.log()).sum(-1), rtol=1e-4, atol=1e-5)
    assert not entropies.requires_grad
    wanted = torch.autograd.grad((expected * scale).sum(), (hidden, weight))
    got = torch.autograd.grad((found * scale).sum(), (hidden, weight))
    for one, other in zip(got, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_token_whose_loss_counts_nothing_has_no_gradient() -> None:
    hidden = torch.randn(4, 3, generator=torch.Generator().manual_seed(2), requires_grad=True)
    found, _ = log_probs(hidden, torch.eye(3), torch.tensor([0, 1, 2, 0]))
    (found * torch.tensor([1.0, 0.0, 1.0, 0.0])).sum().backward()
    assert hidden.grad is not None
    assert (hidden.grad[[1, 3]] == 0).all()
    assert (hidden.grad[[0, 2]] != 0).any(dim=1).all()


def test_a_frozen_head_gets_no_gradient() -> None:
    weight = torch.randn(5, 3)
    hidden = torch.randn(2, 3, requires_grad=True)
    found, _ = log_probs(hidden, weight, torch.tensor([0, 4]), chunk=1)
    found.sum().backward()
    assert weight.grad is None
