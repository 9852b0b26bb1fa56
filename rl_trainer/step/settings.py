"""`StepSettings`: how big an optimiser step is, how it is packed, and what the optimiser does with the gradient."""

import math
from typing import Literal

import msgspec

from rl_trainer.errors import RecipeWrong

Schedule = Literal["constant", "linear", "cosine"]
Packing = Literal["tree", "rows", "none"]
Precision = Literal["float32", "bfloat16"]


class StepSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """AdamW's numbers are those of the paper (arXiv 2508.03501, section 4).

    warmup_steps: the learning rate grows linearly from 0. schedule: what follows; linear and cosine fall to 0 at
    total_steps. clip_norm: the gradient's largest norm; 0 for any. batch: trajectories an optimiser step. tokens: at
    most so many in one packed row, which is one micro-batch; a longer sample has a row of its own. packing: tree
    (prefixes that samples share are computed once), rows (samples side by side) or none (a sample a row); all three
    give the same loss. precision: of the arithmetic; weights and sums stay float32. temperature: the sampler's.
    head_tokens: positions whose logits exist at a time. threads: of the CPU; 0 leaves torch's choice. fsdp: shard the
    model over the processes that torchrun started. patience: steps in a row without a finite gradient until it fails.
    """

    learning_rate: float = 1e-6
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.1
    warmup_steps: int = 0
    schedule: Schedule = "constant"
    total_steps: int = 0
    clip_norm: float = 1.0
    batch: int = 128
    tokens: int = 8192
    packing: Packing = "tree"
    precision: Precision = "float32"
    temperature: float = 1.0
    head_tokens: int = 512
    threads: int = 0
    fsdp: bool = False
    patience: int = 3

    def check(self) -> None:
        """Raises: RecipeWrong, for numbers that cannot be, or that would do nothing."""
        positive = ("learning_rate", "eps", "temperature", "batch", "tokens", "head_tokens", "patience")
        for name in positive:
            if getattr(self, name) <= 0:
                raise RecipeWrong(f"step.{name} is {getattr(self, name)}; it must be more than 0")
        for name in ("weight_decay", "clip_norm", "warmup_steps", "total_steps", "threads"):
            if getattr(self, name) < 0:
                raise RecipeWrong(f"step.{name} is {getattr(self, name)}; it cannot be less than 0")
        if (self.schedule == "constant") != (self.total_steps == 0):
            raise RecipeWrong(
                f"step.schedule is {self.schedule} and step.total_steps is {self.total_steps}: linear and cosine need "
                "the number of steps, constant has no use for it"
            )


def rate_at(settings: StepSettings, step: int) -> float:
    """The learning rate of a step, the first being 0.

    Example:
        rate_at(StepSettings(learning_rate=1.0, schedule="linear", total_steps=4), 1)  # 0.75
    """
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / (settings.warmup_steps + 1)
    if settings.schedule == "constant":
        return settings.learning_rate
    left = max(1, settings.total_steps - settings.warmup_steps)
    done = min(1.0, (step - settings.warmup_steps) / left)
    share = 1 - done if settings.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2
    return settings.learning_rate * share
