"""`ModelSettings`: which language model learns, and how it is held in memory."""

from typing import Literal

import msgspec

from rl_trainer.errors import RecipeWrong

SCRATCH = "scratch"

DType = Literal["float32", "bfloat16"]
Attention = Literal["sdpa", "eager", "flash_attention_2"]


class Lora(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Low-rank adapters: only they learn. targets: the linear layers that get one; empty for every one but the head."""

    rank: int = 16
    alpha: float = 32.0
    targets: tuple[str, ...] = ()


class Scratch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of a model with random weights. width must be a multiple of 2 * heads; context is in tokens."""

    layers: int = 4
    width: int = 128
    heads: int = 4
    vocab: int = 512
    context: int = 2048


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """name: a folder, a hub name, a *.gguf file, or "scratch" for random weights of the shape in `scratch`.

    dtype: of the weights; those that learn must be float32, so bfloat16 is for LoRA (see StepSettings.precision for
    float32 weights with bfloat16 arithmetic). gradient_checkpointing: keep one layer's activations and work the others
    out again: less memory, about a third more time. attention: the kernel outside of packed rows; packed rows need
    sdpa. seed: of random weights, a scratch model's and the adapters'.
    """

    name: str
    dtype: DType = "float32"
    lora: Lora | None = None
    gradient_checkpointing: bool = False
    attention: Attention = "sdpa"
    scratch: Scratch | None = None
    seed: int = 0

    def check(self) -> None:
        """Raises: RecipeWrong, for settings that contradict each other."""
        if (self.name == SCRATCH) != (self.scratch is not None):
            raise RecipeWrong(
                f'model.name is {self.name!r}: the table model.scratch belongs to name = "scratch", and only to it'
            )
        if self.scratch and (self.scratch.heads < 1 or self.scratch.width % (2 * self.scratch.heads)):
            raise RecipeWrong(
                f"model.scratch: a width of {self.scratch.width} does not divide into {self.scratch.heads} heads of an "
                "even width; take a width that is a multiple of 2 * heads"
            )
        if self.dtype == "bfloat16" and self.lora is None:
            raise RecipeWrong(
                "model.dtype is bfloat16 and all weights learn: steps smaller than 1/256 of a weight would be lost; "
                'take float32 with step.precision = "bfloat16", or give model.lora'
            )
        if self.lora and self.lora.rank < 1:
            raise RecipeWrong(f"model.lora.rank is {self.lora.rank}; it is at least 1")
