# pyright: basic, reportMissingImports=false
"""A model made from scratch learns the small world of repairs from noisy demonstrations: where RL starts from.

Prints what it can do then: sampled success (temperature 1) by kind of bug on tasks of specs that it never saw, pass@8,
greedy success, format errors, turns, tests before submitting; and the same for a mutation operator that it never saw.
Needs torch and transformers. Example: python benchmarks/learning_start.py --steps 600 --out start
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from _machine import machine_line, table

from rl_trainer.environments.repairs.demonstrations import demonstrations
from rl_trainer.environments.repairs.episode import Episode
from rl_trainer.environments.repairs.expert import TURNS
from rl_trainer.environments.repairs.specs import SLOTS
from rl_trainer.environments.repairs.tasks import make_tasks
from rl_trainer.environments.repairs.vocabulary import END, IDS, WORDS
from rl_trainer.model.opening import open_model
from rl_trainer.model.settings import ModelSettings, Scratch
from rl_trainer.policies.in_process import generate
from rl_trainer.policy import Sampling
from rl_trainer.recording import keyed_seed
from rl_trainer.sample import Sample
from rl_trainer.samples import imitation_samples
from rl_trainer.task import Task
from rl_trainer.trajectory import Trajectory

_GREEDY = 1e-4
"""A temperature at which the most likely id is drawn."""


def main(options: argparse.Namespace) -> int:
    torch.set_num_threads(options.threads)
    print(machine_line())
    repairs = make_tasks(options.task_seed, specs=options.specs, held_out=options.held_out)
    groups = demonstrations(repairs.train, options.seed, options.share_right, each=options.each)
    runs = [run for group in groups for run in group.trajectories]
    passed = sum(run.passed for run in runs) / len(runs)
    print(
        f"{len(repairs.train):,} tasks, {len(runs):,} demonstrations with {options.share_right:.0%} right edits, "
        f"{passed:.0%} of them pass; {options.steps} steps of {options.batch}, learning rate {options.rate:g}"
    )
    shape = Scratch(
        layers=options.layers, width=options.width, heads=options.heads, vocab=len(WORDS), context=options.context
    )
    model = open_model(ModelSettings(name="scratch", scratch=shape, seed=options.seed))
    started, worked = time.perf_counter(), time.process_time()
    loss = imitate(model, imitation_samples(runs), options)
    seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    count = sum(weight.numel() for weight in model.parameters())
    print(
        f"{count:,} weights, {seconds:.0f} s of training ({cpu:.0f} s of CPU, threads: {options.threads}), "
        f"loss {loss:.3f}\n"
    )
    started = time.perf_counter()
    rows = []
    for name, tasks in (("held-out specs", repairs.held_out_specs), ("held-out operator", repairs.held_out_kinds)):
        rows += measured(name, model, tasks[: options.tasks], options)
    print(table(_HEADERS, rows))
    print(f"\nmeasured in {time.perf_counter() - started:.0f} s")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        model.save_pretrained(options.out)
        print(f"weights: {options.out}")
    return 0


def imitate(model: torch.nn.Module, samples: Sequence[Sample], options: argparse.Namespace) -> float:
    """Teach what was done; the mean loss of the last fifty steps."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.rate, betas=(0.9, 0.98), weight_decay=0.01)
    drawn = random.Random(f"{options.seed}:batches")
    order: list[int] = []
    losses: list[float] = []
    model.train()
    for step in range(options.steps):
        if len(order) < options.batch:
            order = drawn.sample(range(len(samples)), len(samples))
        batch, order = [samples[place] for place in order[: options.batch]], order[options.batch :]
        for group in optimiser.param_groups:
            group["lr"] = options.rate * schedule(step, options.steps)
        ids, mask = padded(batch)
        logits = model(input_ids=ids).logits[:, :-1]
        logs = torch.nn.functional.cross_entropy(logits[mask[:, 1:]].float(), ids[:, 1:][mask[:, 1:]])
        optimiser.zero_grad()
        logs.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        losses.append(logs.item())
        if (step + 1) % 100 == 0:
            print(f"step {step + 1}: loss {np.mean(losses[-100:]):.3f}", file=sys.stderr, flush=True)
    model.eval()
    return float(np.mean(losses[-50:]))


def schedule(step: int, steps: int) -> float:
    """Up over 30 steps, then along a cosine to a tenth."""
    return min(1.0, (step + 1) / 30) * (0.55 + 0.45 * np.cos(np.pi * step / steps))


def padded(batch: Sequence[Sample]) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(len(each) for each in batch)
    ids, mask = torch.zeros((len(batch), longest), dtype=torch.long), torch.zeros((len(batch), longest), dtype=bool)
    for row, each in enumerate(batch):
        ids[row, : len(each)], mask[row, : len(each)] = torch.from_numpy(each.ids), torch.from_numpy(each.mask)
    return ids, mask


def rolled(
    model: torch.nn.Module, tasks: Sequence[Task], each: int, *, seed: int, temperature: float = 1.0
) -> list[list[Trajectory]]:
    """`each` runs of every task, all in step."""
    episodes = [[Episode(task, turns=TURNS) for _ in range(each)] for task in tasks]
    sampling = Sampling(temperature=temperature, max_tokens=14, stop=(IDS[END],))
    for turn in range(TURNS):
        alive = [
            (episode, keyed_seed(seed, episode.task.id, member, turn))
            for group in episodes
            for member, episode in enumerate(group)
            if not episode.done
        ]
        alive.sort(key=lambda row: len(row[0].prompt))
        for start in range(0, len(alive), 256):
            part = alive[start : start + 256]
            written = generate(model, [(tuple(each.prompt), sampling, at) for each, at in part], 0)
            for (episode, at), what in zip(part, written, strict=True):
                episode.act(what, seed=at)
    return [[episode.trajectory(member) for member, episode in enumerate(group)] for group in episodes]


_HEADERS = (
    "tasks",
    "kind",
    "n",
    "sampled",
    "pass@8",
    "greedy",
    "malformed turns",
    "turns",
    "tested before submit",
    "gave up",
)


def measured(name: str, model: torch.nn.Module, tasks: Sequence[Task], options: argparse.Namespace) -> list[list[str]]:
    """A row for each kind of bug and one for all."""
    sampled = rolled(model, tasks, 8, seed=options.seed)
    greedy = rolled(model, tasks, 1, seed=options.seed, temperature=_GREEDY)
    rows: list[list[str]] = []
    for kind in (*(slot.name for slot in SLOTS), "all"):
        at = [place for place, task in enumerate(tasks) if kind in (task.kind, "all")]
        runs = [run for place in at for run in sampled[place]]
        turns = [turn for run in runs for turn in run.turns]
        done = [run for run in runs if run.facts["submitted"]]
        rows.append(
            [
                name,
                kind,
                str(len(at)),
                _percent([run.passed for run in runs]),
                _percent([any(run.passed for run in sampled[place]) for place in at]),
                _percent([greedy[place][0].passed for place in at]),
                _percent([turn.malformed for turn in turns]),
                f"{len(turns) / max(1, len(runs)):.1f}",
                _percent([run.facts["tested_before_submit"] for run in done]),
                _percent([run.facts["gave_up"] for run in runs]),
            ]
        )
    return rows


def _percent(values: Sequence[float]) -> str:
    return f"{100 * float(np.mean(values)):.1f}" if values else "-"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--seed", type=int, default=0, help="of weights, demonstrations and sampling")
    add("--task-seed", type=int, default=0)
    add("--specs", type=int, default=200)
    add("--held-out", type=int, default=48, help="specs that are not learnt from")
    add("--each", type=int, default=2, help="demonstrations of a task")
    add("--share-right", type=float, default=0.35, help="of the expert's edits")
    add("--steps", type=int, default=600)
    add("--batch", type=int, default=32)
    add("--rate", type=float, default=2e-3)
    add("--layers", type=int, default=3)
    add("--width", type=int, default=96)
    add("--heads", type=int, default=4)
    add("--context", type=int, default=256)
    add("--threads", type=int, default=1)
    add("--tasks", type=int, default=160, help="of each set, to measure with")
    add("--out", type=Path, help="a folder for the weights")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main(arguments()))
