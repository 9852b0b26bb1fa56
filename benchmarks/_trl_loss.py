"""TRL's loss and gradient, and ours, on one small model and one batch; needs the extra `train` and trl."""

import tempfile
from dataclasses import dataclass
from typing import Any

import torch

from rl_trainer.objectives.batch import Denominators, TokenBatch
from rl_trainer.objectives.modifier_settings import OffPolicyMask
from rl_trainer.objectives.registry import objective_of
from rl_trainer.objectives.settings import ObjectiveSettings

_VOCABULARY = 64
_PROMPT = 6
PEERS: dict[str, tuple[dict[str, Any], ObjectiveSettings]] = {
    "grpo": ({"loss_type": "grpo"}, ObjectiveSettings(name="grpo")),
    "grpo with KL 0.04": (
        {"loss_type": "grpo", "beta": 0.04, "use_bias_correction_kl": False},
        ObjectiveSettings(name="grpo", kl=0.04),
    ),
    "dr_grpo": ({"loss_type": "dr_grpo"}, ObjectiveSettings(name="dr_grpo")),
    "dapo": ({"loss_type": "dapo", "epsilon_high": 0.28}, ObjectiveSettings(name="dapo")),
    "dapo with off-policy mask": (
        {"loss_type": "dapo", "epsilon_high": 0.28, "off_policy_mask_threshold": 0.02},
        ObjectiveSettings(name="dapo", modifiers=(OffPolicyMask(delta=0.02),)),
    ),
    "cispo": ({"loss_type": "cispo", "epsilon_high": 5.0}, ObjectiveSettings(name="cispo")),
    "sapo": ({"loss_type": "sapo"}, ObjectiveSettings(name="sapo")),
    "gspo": (
        {"loss_type": "grpo", "importance_sampling_level": "sequence", "epsilon": 0.02, "epsilon_high": 0.03},
        ObjectiveSettings(name="gspo", clip_low=0.02, clip_high=0.03),
    ),
}
"""By what a row is called: TRL's settings and ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """n sequences of `length` places after a prompt. seen: what is there. learnt: what the policy sampled."""

    prompts: torch.Tensor
    completions: torch.Tensor
    seen: torch.Tensor
    learnt: torch.Tensor
    advantages: torch.Tensor
    old: torch.Tensor
    reference: torch.Tensor


def made(model: Any, *, sequences: int, length: int, seed: int) -> Batch:
    """Random ids; the old and the reference policy are the model's own, moved by noise."""
    draw = torch.Generator().manual_seed(seed)
    prompts = torch.randint(3, _VOCABULARY, (sequences, _PROMPT), generator=draw)
    completions = torch.randint(3, _VOCABULARY, (sequences, length), generator=draw)
    ends = torch.randint(length // 3, length + 1, (sequences, 1), generator=draw)
    seen = (torch.arange(length) < ends).long()
    observed = torch.rand(sequences, length, generator=draw) < 0.3
    observed[:, 0] = False
    noise = torch.randn(2, sequences, length, generator=draw) * 0.2
    with torch.no_grad():
        own = logprobs_of(model, prompts, completions, seen)
    return Batch(
        prompts=prompts,
        completions=completions,
        seen=seen,
        learnt=seen * ~observed,
        advantages=torch.randn(sequences, generator=draw),
        old=own + noise[0],
        reference=own + noise[1],
    )


def small_model(seed: int) -> Any:
    """A Llama that no test has to fetch."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(vocab_size=_VOCABULARY, max_position_embeddings=256, **sizes))


def logprobs_of(model: Any, prompts: torch.Tensor, completions: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """float[n, length]."""
    ids = torch.cat([prompts, completions], 1)
    logits = model(input_ids=ids, attention_mask=torch.cat([torch.ones_like(prompts), seen], 1)).logits
    scores = logits[:, prompts.shape[1] - 1 : -1].log_softmax(-1)
    return scores.gather(2, completions[:, :, None]).squeeze(2)


def ours(model: Any, batch: Batch, settings: ObjectiveSettings, *, longest: int) -> tuple[float, torch.Tensor]:
    """(loss, gradient of all weights in one row)."""
    chosen = batch.learnt.bool()
    lengths = batch.learnt.sum(1)
    sequences = torch.arange(len(lengths)).repeat_interleave(lengths)
    flat = TokenBatch(
        logprobs=logprobs_of(model, batch.prompts, batch.completions, batch.seen)[chosen],
        old=batch.old[chosen],
        rollout=batch.old[chosen],
        advantages=batch.advantages[sequences],
        weights=torch.ones(len(sequences)),
        sequences=sequences,
        count=len(lengths),
        lengths=lengths.float(),
        reference=batch.reference[chosen],
    )
    share = Denominators(tokens=float(lengths.sum()), sequences=len(lengths), longest=longest)
    return _gradient(model, objective_of(settings)(flat, share)[0])


def theirs(model: Any, batch: Batch, settings: dict[str, Any], *, longest: int) -> tuple[float, torch.Tensor]:
    """The same of TRL's own `_compute_loss`."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = _trainer(model, settings, folder, sequences=len(batch.prompts), longest=longest)
        trainer.current_gradient_accumulation_steps = 1
        trainer.beta = settings.get("beta", 0.0)  # given earlier, it would fetch a reference model that has no name
        inputs = {
            "prompt_ids": batch.prompts,
            "prompt_mask": torch.ones_like(batch.prompts),
            "completion_ids": batch.completions,
            "completion_mask": batch.seen,
            "tool_mask": batch.learnt,
            "advantages": batch.advantages,
            "old_per_token_logps": batch.old,
            "ref_per_token_logps": batch.reference,
            "num_items_in_batch": batch.learnt.sum(),
        }
        return _gradient(model, trainer._compute_loss(model, inputs))  # its only way to a loss without generating


def _trainer(model: Any, settings: dict[str, Any], folder: str, *, sequences: int, longest: int) -> Any:
    from datasets import Dataset
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast
    from trl import GRPOConfig, GRPOTrainer

    words = Tokenizer(WordLevel({"<unk>": 0, "<pad>": 1, "<end>": 2}, unk_token="<unk>"))
    args = {"epsilon": 0.2, **settings, "beta": 0.0}
    config = GRPOConfig(
        output_dir=folder,
        use_cpu=True,
        report_to="none",
        bf16=False,
        gradient_checkpointing=False,
        per_device_train_batch_size=sequences,
        num_generations=sequences,
        max_completion_length=longest,
        **args,
    )
    return GRPOTrainer(
        model=model,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=config,
        train_dataset=Dataset.from_list([{"prompt": "a"}]),
        processing_class=PreTrainedTokenizerFast(
            tokenizer_object=words, unk_token="<unk>", pad_token="<pad>", eos_token="<end>"
        ),
    )


def _gradient(model: Any, loss: torch.Tensor) -> tuple[float, torch.Tensor]:
    model.zero_grad(set_to_none=True)
    loss.backward()
    found = torch.cat([one.grad.flatten() for one in model.parameters() if one.grad is not None])
    return float(loss.detach()), found.clone()


def compare(name: str, *, sequences: int, length: int, seed: int) -> dict[str, float]:
    """loss: ours. apart: of the losses. gradient: the norm of ours. gradients_apart: norm of the difference / norm."""
    model = small_model(seed)
    batch = made(model, sequences=sequences, length=length, seed=seed)
    settings, own = PEERS[name]
    peer, peer_gradient = theirs(model, batch, settings, longest=length)
    loss, gradient = ours(model, batch, own, longest=length)
    return {
        "loss": loss,
        "apart": abs(loss - peer),
        "gradient": float(gradient.norm()),
        "gradients_apart": float((gradient - peer_gradient).norm() / peer_gradient.norm()),
    }
