# pyright: basic, reportMissingImports=false
# torch comes with the extra `train`; checking must work without it.
"""The training loop: resumable at any step, the same result from the same recipe, data and machine."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from rl_trainer.embedder.batches import Batch, Prepared, count, epoch
from rl_trainer.embedder.network import ToolEncoder
from rl_trainer.embedder.objective import agreement, contrast
from rl_trainer.embedder.recipe import Recipe
from rl_trainer.errors import CheckpointDamaged

Progress = Callable[[int, int, float], None]
"""Called after each step with its number, the number of all steps, and the mean loss of late."""

_SAVE_EVERY_S = 120.0


def fit(
    encoder: ToolEncoder, prepared: Sequence[Prepared], recipe: Recipe, checkpoint: Path, progress: Progress
) -> None:
    """Train in place. A checkpoint found at `checkpoint` is continued; it is removed by nobody.

    Raises:
        CheckpointDamaged: it cannot be read, or another recipe made it.
    """
    torch.manual_seed(recipe.seed)
    steps = recipe.epochs * count(prepared, recipe.batch)
    optimiser = torch.optim.AdamW(
        [weight for weight in encoder.parameters() if weight.requires_grad], lr=recipe.learning_rate, weight_decay=0.01
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps, recipe.warm_up))
    done = _resume(checkpoint, recipe, encoder, optimiser, schedule)
    saved = time.monotonic()
    recent = 0.0
    encoder.train()
    _no_dropout(encoder)
    for step, batch in enumerate(_batches(prepared, recipe), start=1):
        if step <= done:
            continue
        loss = _loss(encoder, batch, recipe)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([weight for weight in encoder.parameters() if weight.requires_grad], 1.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        now = float(loss.detach())
        recent = now if recent == 0.0 else 0.95 * recent + 0.05 * now
        progress(step, steps, recent)
        done = step
        if time.monotonic() - saved > _SAVE_EVERY_S:
            _save(checkpoint, step, recipe, encoder, optimiser, schedule)
            saved = time.monotonic()
    _save(checkpoint, done, recipe, encoder, optimiser, schedule)
    progress(steps, steps, recent)
    encoder.eval()


def _batches(prepared: Sequence[Prepared], recipe: Recipe) -> Any:
    for number in range(recipe.epochs):
        yield from epoch(prepared, recipe.batch, np.random.default_rng([recipe.seed, number]))


def _loss(encoder: ToolEncoder, batch: Batch, recipe: Recipe) -> torch.Tensor:
    device = encoder.early.weight.device
    with torch.autocast(device.type, dtype=torch.bfloat16):
        passages = encoder.passages(batch.passages)
        late, early = encoder.queries(batch.queries)
    masked = torch.from_numpy(batch.masked).to(device)
    passages, late, early = passages.float(), late.float(), early.float()
    return (
        contrast(late, passages, masked, temperature=recipe.temperature)
        + contrast(early, passages, masked, temperature=recipe.temperature)
        + recipe.agreement * agreement(early, late)
    )


def _rate(step: int, steps: int, warm_up: float) -> float:
    """Rises linearly, then falls as a cosine to a twentieth."""
    rising = max(1, round(steps * warm_up))
    if step < rising:
        return (step + 1) / rising
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _no_dropout(encoder: ToolEncoder) -> None:
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


def _save(path: Path, step: int, recipe: Recipe, encoder: Any, optimiser: Any, schedule: Any) -> None:
    part = path.with_suffix(".part")
    torch.save(
        {
            "step": step,
            "recipe": msgspec.to_builtins(recipe),
            "encoder": encoder.state_dict(),
            "optimiser": optimiser.state_dict(),
            "schedule": schedule.state_dict(),
        },
        part,
    )
    part.replace(path)


def _resume(path: Path, recipe: Recipe, encoder: Any, optimiser: Any, schedule: Any) -> int:
    if not path.exists():
        return 0
    try:
        found = torch.load(path, weights_only=True)
        if found["recipe"] != msgspec.to_builtins(recipe):
            raise CheckpointDamaged(f"{path} was made with another recipe; remove it or use another --work folder")
        encoder.load_state_dict(found["encoder"])
        optimiser.load_state_dict(found["optimiser"])
        schedule.load_state_dict(found["schedule"])
    except (OSError, KeyError, RuntimeError, EOFError) as error:
        raise CheckpointDamaged(f"{path} cannot be read: {error}; remove it to begin anew") from error
    return int(found["step"])
