# pyright: basic, reportMissingImports=false
# torch and transformers come with the extra `train`; checking must work without them.
"""`open_model`: a causal language model as its settings describe it."""

from pathlib import Path
from typing import Any

from rl_trainer.errors import BaseModelMissing, TrainingToolsMissing
from rl_trainer.model.adapters import base_of, with_adapters
from rl_trainer.model.checkpointing import checkpoint_layers
from rl_trainer.model.settings import SCRATCH, ModelSettings, Scratch

INSTALL = "pip install 'quartermaster[train]'"


def open_model(settings: ModelSettings, device: str = "cpu") -> Any:
    """A transformers causal language model (`torch.nn.Module`) in evaluation mode, so that nothing is dropped out.

    Raises:
        BaseModelMissing: there is no such model.
        RecipeWrong: the settings contradict each other.
        TrainingToolsMissing: torch, transformers, gguf or peft is not installed.
    """
    settings.check()
    try:
        import torch
        import transformers  # noqa: F401
    except ModuleNotFoundError as error:
        raise TrainingToolsMissing(f"{error.name} is not installed; {INSTALL} brings it") from error
    dtype = getattr(torch, settings.dtype)
    if settings.name == SCRATCH and settings.scratch is not None:
        model = _scratch(settings.scratch, settings.seed, settings.attention).to(dtype)
    elif settings.name.endswith(".gguf"):
        model = _from_gguf(Path(settings.name), dtype, settings.attention)
    else:
        model = _from_hub(settings.name, dtype, settings.attention)
    if settings.lora is not None:
        model = with_adapters(model, settings.lora, seed=settings.seed)
    if settings.gradient_checkpointing:
        checkpoint_layers(base_of(model))
    model.config.use_cache = False
    return model.to(device).eval()


def _scratch(shape: Scratch, seed: int, attention: str) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        num_hidden_layers=shape.layers,
        hidden_size=shape.width,
        intermediate_size=4 * shape.width,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        vocab_size=shape.vocab,
        max_position_embeddings=shape.context,
        tie_word_embeddings=True,
        # With the usual 0.02 the attention of a narrow model is all but uniform, and it learns late where to look.
        initializer_range=shape.width**-0.5,
        attn_implementation=attention,
    )
    # transformers draws from the global generator only; it is put back as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def _from_gguf(file: Path, dtype: Any, attention: str) -> Any:
    from transformers import AutoModelForCausalLM

    if not file.is_file():
        raise BaseModelMissing(f"there is no file {file}; model.name names a GGUF file")
    try:
        model = AutoModelForCausalLM.from_pretrained(
            str(file.parent), gguf_file=file.name, dtype=dtype, attn_implementation=attention
        )
    except ImportError as error:
        raise TrainingToolsMissing(
            f"reading {file} needs more libraries: {error}; pip install gguf accelerate"
        ) from error
    # Its weights are plain ones from here on; left as it is, transformers would refuse to save them.
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    return model


def _from_hub(name: str, dtype: Any, attention: str) -> Any:
    from transformers import AutoModelForCausalLM

    try:
        return AutoModelForCausalLM.from_pretrained(name, dtype=dtype, attn_implementation=attention)
    except OSError as error:
        raise BaseModelMissing(f"no model at {name!r}: {error}. Name a folder, a hub name or a *.gguf file") from error
