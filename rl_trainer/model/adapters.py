# pyright: basic, reportMissingImports=false
"""LoRA: adapters around the linear layers of a model that itself stays as it is."""

import copy
import warnings
from typing import Any

from rl_trainer.errors import RecipeWrong, TrainingToolsMissing
from rl_trainer.model.settings import Lora


def with_adapters(model: Any, lora: Lora, *, seed: int) -> Any:
    """The model with adapters that change nothing yet, and are all that learns.

    Raises:
        TrainingToolsMissing: peft is not installed.
        RecipeWrong: no layer of the model has a name among the targets.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ModuleNotFoundError as error:
        raise TrainingToolsMissing(f"model.lora needs {error.name}; pip install peft brings it") from error
    import torch

    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        target_modules=list(lora.targets) or "all-linear",
        lora_dropout=0.0,
        task_type="CAUSAL_LM",
    )
    try:
        # peft draws from the global generator only; it is put back as it was.
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            # peft asks transformers for a property by its old name.
            warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
            torch.manual_seed(seed)
            return get_peft_model(model, config)
    except ValueError as error:
        raise RecipeWrong(f"model.lora.targets {list(lora.targets)} do not fit this model: {error}") from error


def has_adapters(model: Any) -> bool:
    return hasattr(model, "merge_and_unload")


def base_of(model: Any) -> Any:
    """The transformers model, whether or not adapters are around it."""
    return model.get_base_model() if has_adapters(model) else model


def merged(model: Any) -> Any:
    """A copy of the model with its adapters added to its weights; the model stays as it is."""
    return copy.deepcopy(model).merge_and_unload() if has_adapters(model) else model
