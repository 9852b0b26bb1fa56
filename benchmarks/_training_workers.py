"""The two processes of benchmarks/training_speed.py: our `Learner`, and TRL's GRPOTrainer on the same samples."""

import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from _training_case import Case, Figures, samples_of

from rl_trainer.objectives.settings import ObjectiveSettings
from rl_trainer.sample import Sample


def ours(case: Case) -> Figures:
    from rl_trainer.model.opening import open_model
    from rl_trainer.step.learner import Learner

    model = open_model(case.model, _device())
    samples = samples_of(case, model.config.vocab_size)
    learner = Learner(model, case.step, ObjectiveSettings())
    before = _resident_mb()
    records = [learner.update(samples)]
    start = time.process_time()
    records += [learner.update(samples) for _ in range(case.steps - 1)]
    cpu = (time.process_time() - start) / (case.steps - 1)
    return _figures(
        f"ours, {case.step.packing}",
        samples,
        before,
        [record.seconds for record in records],
        cpu,
        [record.grad_norm for record in records],
        records[-1].computed,
    )


def peer(case: Case) -> Figures:
    import torch
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    if case.step.threads:
        torch.set_num_threads(case.step.threads)
    from rl_trainer.model.opening import open_model

    model = open_model(case.model, _device())
    samples = samples_of(case, model.config.vocab_size)
    given = _padded(samples, _device())
    seconds: list[float] = []
    cpu: list[float] = []

    class Fixed(GRPOTrainer):
        def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:  # type: ignore[override]
            return dict(given)

    class Clock(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.start, self.cpu = time.perf_counter(), time.process_time()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            _settle()
            seconds.append(time.perf_counter() - self.start)
            cpu.append(time.process_time() - self.cpu)

    accumulated = len(samples) // case.peer_batch
    settings = GRPOConfig(
        output_dir="unused",
        per_device_train_batch_size=case.peer_batch,
        gradient_accumulation_steps=accumulated,
        steps_per_generation=accumulated,
        num_generations=case.members,
        max_steps=case.steps,
        learning_rate=case.step.learning_rate,
        lr_scheduler_type="constant",
        weight_decay=case.step.weight_decay,
        max_grad_norm=case.step.clip_norm,
        loss_type="dapo",
        epsilon_high=0.28,
        beta=0.0,
        bf16=case.step.precision == "bfloat16",
        gradient_checkpointing=case.model.gradient_checkpointing,
        optim="adamw_torch_fused",
        logging_steps=1,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        remove_unused_columns=False,
        max_completion_length=int(given["completion_ids"].shape[1]),
    )
    trainer = Fixed(
        model=model,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=settings,
        train_dataset=Dataset.from_list([{"prompt": "x"}] * case.groups),
        processing_class=_tokenizer(),
        callbacks=[Clock()],
    )
    before = _resident_mb()
    trainer.train()
    norms = [entry["grad_norm"] for entry in trainer.state.log_history if "grad_norm" in entry]
    computed = case.groups * case.members * int(given["prompt_ids"].shape[1] + given["completion_ids"].shape[1])
    return _figures(
        f"TRL, micro-batch {case.peer_batch}", samples, before, seconds, statistics.mean(cpu[1:]), norms, computed
    )


def _padded(samples: Sequence[Sample], device: str) -> dict[str, Any]:
    """As TRL has it: prompts filled up on the left, completions on the right, observations out of the tool mask."""
    import torch

    starts = [int(np.argmax(sample.mask)) for sample in samples]
    before, after = max(starts), max(len(s) - at for s, at in zip(samples, starts, strict=True))
    shape = {"prompt_ids": before, "prompt_mask": before, "completion_ids": after, "completion_mask": after}
    out = {name: np.zeros((len(samples), size), np.int64) for name, size in (shape | {"tool_mask": after}).items()}
    for row, (sample, at) in enumerate(zip(samples, starts, strict=True)):
        size = len(sample) - at
        out["prompt_ids"][row, before - at :], out["prompt_mask"][row, before - at :] = sample.ids[:at], 1
        out["completion_ids"][row, :size], out["completion_mask"][row, :size] = sample.ids[at:], 1
        out["tool_mask"][row, :size] = sample.mask[at:]
    tensors = {name: torch.from_numpy(values).to(device) for name, values in out.items()}
    advantages = torch.tensor([float(sample.advantages[0]) for sample in samples], device=device)
    return tensors | {"advantages": advantages, "num_items_in_batch": tensors["tool_mask"].sum()}


def _tokenizer() -> Any:
    """Never asked to write anything; the trainer wants to know which ids end and fill up."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {"<pad>": 0, "<eos>": 1, "x": 2, "<unk>": 3}
    made = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _settle() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _resident_mb() -> float:
    import psutil

    return psutil.Process().memory_info().rss / 2**20


def _figures(
    name: str,
    samples: Sequence[Sample],
    before: float,
    seconds: list[float],
    cpu: float,
    norms: list[float],
    computed: int,
) -> Figures:
    import resource

    import torch

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if torch.cuda.is_available():
        peak, before = torch.cuda.max_memory_allocated() / 2**20, 0.0
    return Figures(
        name=name,
        seconds=seconds,
        cpu=cpu,
        norms=norms,
        peak_mb=peak,
        before_mb=before,
        learnt=sum(sample.learnt for sample in samples),
        given=sum(map(len, samples)),
        computed=computed,
    )
