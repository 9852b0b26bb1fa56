# pyright: basic, reportMissingImports=false
"""`Tally`: sums over the micro-batches of a step, and what of a `StepRecord` they make."""

from typing import Any

import torch
from torch import Tensor

from rl_trainer.objectives.batch import TokenBatch
from rl_trainer.step.processes import gathered, world

_MAX = "_max"


class Tally:
    """Sums stay on the device until `fields` is asked, so that no micro-batch waits for the one before it."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}

    @property
    def loss(self) -> float:
        return float(self._sums["loss"])

    def add(self, batch: TokenBatch, loss: Tensor, statistics: dict[str, Tensor]) -> None:
        """One micro-batch: its share of the loss, and the objective's sums and largest values."""
        found = batch.logprobs.detach()
        drift = (batch.old - batch.rollout).abs()
        ratio = (found - batch.old).exp()
        own = {
            "loss": loss.detach(),
            "tokens": drift.new_tensor(float(len(drift))),
            "drift_mean": drift.sum(),
            "drift_max": drift.max(),
            "ratio_mean": ratio.sum(),
            "ratio_max": ratio.max(),
        }
        if batch.entropies is not None:
            own["entropy"] = batch.entropies.sum()
        for name, value in {
            **{f"objective/{name}": value.detach() for name, value in statistics.items()},
            **own,
        }.items():
            so_far = self._sums.get(name)
            if so_far is None:
                self._sums[name] = value
            else:
                self._sums[name] = so_far.maximum(value) if name.endswith(_MAX) else so_far + value

    def join(self) -> None:
        """With those of the other processes; all must ask."""
        if world() == 1:
            return
        parts = gathered({name: float(value) for name, value in self._sums.items()})
        names = {name for part in parts for name in part}
        for name in sorted(names):
            values = [part[name] for part in parts if name in part]
            self._sums[name] = torch.tensor(max(values) if name.endswith(_MAX) else sum(values))

    def fields(self) -> dict[str, Any]:
        """Of a `StepRecord`, by name."""
        sums = {name: float(value) for name, value in self._sums.items()}
        tokens = sums.pop("tokens")
        sums.pop("loss")
        means = {name: value if name.endswith(_MAX) else value / tokens for name, value in sums.items()}
        statistics = {name.removeprefix("objective/"): value for name, value in means.items() if "/" in name}
        statistics.pop("tokens", None)
        own = {name: value for name, value in means.items() if "/" not in name}
        return {
            "tokens": round(tokens),
            "clip_fraction": statistics.get("clipped_low", 0.0) + statistics.get("clipped_high", 0.0),
            "statistics": statistics,
            **own,
        }
