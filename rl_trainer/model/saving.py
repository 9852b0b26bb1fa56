# pyright: basic, reportMissingImports=false
"""A model written to a folder, whole or not at all, and read back."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from rl_trainer.errors import CheckpointDamaged, RecipeWrong
from rl_trainer.model.adapters import base_of, has_adapters, merged

ADAPTERS = "adapter_model.safetensors"
WEIGHTS = "model.safetensors"


def save_model(model: Any, folder: Path, *, merge: bool = True) -> None:
    """Write config and safetensors. merge: adapters become part of the weights; otherwise only they are written.

    The folder appears when everything is on disk, in place of one that was there. Of a model that is sharded over
    processes the first one writes; all must call.

    Raises:
        RecipeWrong: adapters of a sharded model cannot be merged.
    """
    state = _whole_state(model, merge=merge)
    if state is not None and not _first():
        return
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        kept = merged(model) if merge and state is None else model
        kept.save_pretrained(made, **({} if state is None else {"state_dict": state}))
        for file in made.iterdir():
            _to_disk(file)
        _replace(folder, made)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _whole_state(model: Any, *, merge: bool) -> dict[str, Any] | None:
    """All weights of a sharded model, gathered; None where it is whole already."""
    if not any(hasattr(one, "full_tensor") for one in model.parameters()):
        return None
    if merge and has_adapters(model):
        raise RecipeWrong("adapters of a sharded model cannot be merged: save them, and merge them in one process")
    found: dict[int, Any] = {}
    for one in model.parameters():
        found[id(one)] = (one.full_tensor() if hasattr(one, "full_tensor") else one).detach().cpu()
    # Tied weights are one tensor under two names, and must stay one to be stored once.
    return {name: found[id(one)] for name, one in model.named_parameters(remove_duplicate=False)}


def load_weights(model: Any, folder: Path) -> None:
    """Weights that `save_model` wrote, into a model of the same shape.

    Raises:
        CheckpointDamaged: files or weights are missing, or they belong to another model.
    """
    from safetensors import SafetensorError

    folder = Path(folder)
    try:
        if has_adapters(model) and (folder / ADAPTERS).is_file():
            _load_adapters(model, folder / ADAPTERS)
        else:
            _load_whole(base_of(model), folder)
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        raise CheckpointDamaged(f"the weights in {folder} cannot be loaded: {error}") from error


def _load_adapters(model: Any, file: Path) -> None:
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    told = set_peft_model_state_dict(model, load_file(str(file)))
    if told.unexpected_keys:
        raise ValueError(f"unknown adapters {sorted(told.unexpected_keys)[:3]}")


def _load_whole(model: Any, folder: Path) -> None:
    from safetensors.torch import load_file

    files = sorted(folder.glob("model*.safetensors"))
    if not files:
        raise ValueError("there is no model*.safetensors in it")
    state = {name: tensor for file in files for name, tensor in load_file(str(file)).items()}
    told = model.load_state_dict(state, strict=False)
    # Tied weights are stored once.
    tied = set(getattr(model, "all_tied_weights_keys", {}) or {})
    missing = set(told.missing_keys) - tied
    if missing or told.unexpected_keys:
        raise ValueError(f"missing {sorted(missing)[:3]}, unknown {sorted(told.unexpected_keys)[:3]}")
    model.tie_weights()


def _first() -> bool:
    import torch.distributed as dist

    return not dist.is_initialized() or dist.get_rank() == 0


def _to_disk(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def _replace(folder: Path, made: Path) -> None:
    """A folder cannot be replaced in one step; what was there steps aside first, and comes back if that fails."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    try:
        made.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
