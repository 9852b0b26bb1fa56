# pyright: basic, reportMissingImports=false
"""A real language model learns to mend seeded bugs, and what that takes: the training part of `make gpu-check`.

Success on exercises that no stage saw, before; the teacher's runs on the training tasks are imitated; then DAPO goes on
from there, once with one advantage a run and once with credit over the turn tree. Success after each, paired with that
before; utilisation, tokens a second and memory of each.
"""

import argparse
import asyncio
import contextlib
import gc
import importlib.util
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from rl_trainer.recipe import Recipe, read_recipe, recipe_from
from rl_trainer.stages import DapoStage, RftStage
from rl_trainer.trajectory import Group

_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "swe" / "exercism_bugs.jsonl.gz"
_CREDIT = {"DAPO": {"name": "group"}, "DAPO, turn tree": {"name": "tempo"}}
_TINY = {
    "tasks": {"most": 1},
    "rollout": {"group": 4, "turns": 2, "context": 3072, "max_tokens": 40, "concurrency": 4, "wrong_actions": 1},
    "reward": {"turns": None, "tokens": {"longest": 80, "cache": 80}},
    "step": {"batch": 4, "tokens": 4096, "precision": "float32", "threads": 1},
    "model": {"gradient_checkpointing": False},
}


@dataclass
class Phase:
    """What one part took, and what came of it. used: GPU utilisation in %, a sample a second."""

    name: str
    seconds: float = 0.0
    memory_gb: float = 0.0
    used: list[float] = field(default_factory=list)
    groups: Sequence[Group] = ()
    records: Sequence[Any] = ()


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", default="", help="a GGUF file, a folder or a hub name; without one nothing is trained")
    add("--data", type=Path, default=_DATA, help="tasks: exercism_bugs.jsonl.gz")
    add("--iterations", type=int, default=20, help="of DAPO, for each way of giving credit")
    add("--tasks", type=int, default=0, help="training tasks at most; 0 for all")
    add("--held-out", type=int, default=40, help="tasks of an evaluation")
    add("--samples", type=int, default=4, help="runs of each of them")
    add("--minutes", type=float, default=0.0, help="of DAPO at most, for each way of giving credit; 0 for any")
    add("--out", type=Path, help="where the trainings are kept; otherwise they are thrown away")
    add("--tiny", action="store_true", help="the same way in its smallest form, on the CPU, to see that it works")


def why_not(options: argparse.Namespace) -> str:
    """Why nothing is trained here; empty where it can be."""
    missing = [name for name in ("torch", "transformers", "safetensors") if importlib.util.find_spec(name) is None]
    if missing:
        return f"{', '.join(missing)} is not installed: pip install 'quartermaster[train]'"
    if not options.model:
        return "no --model was given: a GGUF file, a folder or a hub name of Qwen2.5-Coder-0.5B-Instruct"
    if not options.data.is_file():
        return f"there are no tasks at {options.data}: give --data"
    import torch

    if not torch.cuda.is_available() and not options.tiny:
        return "torch sees no GPU; --tiny runs the same way in its smallest form on the CPU"
    return ""


def train_part(options: argparse.Namespace) -> int:
    """Say what is missing, or train and print the tables."""
    print("\n## Training\n")
    if reason := why_not(options):
        print(f"not run: {reason}\n\nIt would measure: success on unseen exercises before and after RFT and DAPO, with")
        print("and without turn-tree credit, GPU utilisation, tokens a second in rollouts and steps, memory.")
        return 0
    with contextlib.ExitStack() as stack:
        out = options.out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gpu-check-")))
        phases = asyncio.run(_phases(options, out))
    _print(options, phases)
    return 0


async def _phases(options: argparse.Namespace, out: Path) -> list[Phase]:
    from rl_trainer.cli.training import weights_of

    base = _recipe(options, options.model)
    rft = _with_stages(base, [stage for stage in base.stages if isinstance(stage, RftStage)])
    found = [await _evaluated("before", base, options)]
    found.append(await _trained("RFT", rft, out / "rft"))
    started = str(weights_of(out / "rft"))
    found.append(await _evaluated("after RFT", _recipe(options, started), options))
    for number, (name, estimator) in enumerate(_CREDIT.items()):
        recipe = _recipe(options, started, estimator)
        stages = [stage for stage in recipe.stages if isinstance(stage, DapoStage)]
        folder = out / f"dapo-{number}"
        found.append(await _trained(name, _with_stages(recipe, stages), folder, minutes=options.minutes))
        found.append(await _evaluated(f"after {name}", _recipe(options, str(weights_of(folder))), options))
    return found


def _recipe(options: argparse.Namespace, model: str, estimator: dict[str, Any] | None = None) -> Recipe:
    """exercism-0.5b with the teacher's runs in place of the model's own, and cut to size."""
    table: dict[str, Any] = msgspec.to_builtins(read_recipe("exercism-0.5b"))
    table["model"]["name"] = model
    table["tasks"] |= {"source": str(options.data), "most": options.tasks}
    table["evaluation"] = {"every": 0}
    if estimator is not None:
        table["credit"]["estimator"] = estimator
    rft, dapo = table["stages"][0], table["stages"][-1]
    rft |= {"expert": rft["expert"] or 0.7, "samples": 1 if options.tiny else 2}
    dapo |= {"iterations": options.iterations}
    if options.tiny:
        for name, change in _TINY.items():
            table[name] |= change
        table["engine"]["device"] = "cpu"
        rft |= {"rollout": {"turns": 10}, "step": {"batch": 1}}
        dapo |= {"problems": 1, "generations": 1, "iterations": 1}
    table["stages"] = [rft, dapo]
    return recipe_from(table, {}, "exercism-0.5b")


def _with_stages(recipe: Recipe, stages: Sequence[Any]) -> Recipe:
    return msgspec.structs.replace(recipe, stages=tuple(stages))


async def _trained(name: str, recipe: Recipe, folder: Path, *, minutes: float = 0.0) -> Phase:
    """Stages trained into a folder; what was done when time is up stands in its last checkpoint."""
    from rl_trainer.run_folder import RunFolder
    from rl_trainer.train import train

    with _measured(name) as phase, contextlib.suppress(TimeoutError):
        await asyncio.wait_for(train(recipe, folder), 60 * minutes or None)
    phase.records = [each for each in RunFolder(folder).records() if each.kind in {"iteration", "step"}]
    return phase


async def _evaluated(name: str, recipe: Recipe, options: argparse.Namespace) -> Phase:
    """Runs of tasks that no stage sees; which ones does not depend on the model."""
    from rl_trainer.evaluate import evaluate
    from rl_trainer.opened import task_sets
    from rl_trainer.recording import keyed_seed
    from rl_trainer.run_folder import RunFolder
    from rl_trainer.train import open_training
    from rl_trainer.watching.watching import Watching

    most, samples = (1, 1) if options.tiny else (options.held_out, options.samples)
    tasks = sorted(task_sets(recipe, testing=True).test["test"], key=lambda task: keyed_seed("held out", task.id))[
        :most
    ]
    with _measured(name) as phase, tempfile.TemporaryDirectory() as scratch:
        async with open_training(recipe, RunFolder(Path(scratch)), Watching(), testing=True) as training:
            phase.groups = (await evaluate(tasks, training.rig, samples=samples, seed="gpu-check")).groups
    return phase


@contextlib.contextmanager
def _measured(name: str) -> Iterator[Phase]:
    import torch

    gc.collect()
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    phase, over = Phase(name), threading.Event()
    watcher = threading.Thread(target=_watch, args=(phase.used, over), daemon=True)
    watcher.start()
    started = time.monotonic()
    print(f"{name} ...", flush=True)
    try:
        yield phase
    finally:
        over.set()
        watcher.join()
        phase.seconds = time.monotonic() - started
        phase.memory_gb = torch.cuda.max_memory_allocated() / 2**30 if on_gpu else 0.0


def _watch(used: list[float], over: threading.Event) -> None:
    if not shutil.which("nvidia-smi"):
        return
    query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    while not over.wait(1.0):
        done = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
        words = done.stdout.split()
        if done.returncode == 0 and words and words[0].isdigit():
            used.append(float(words[0]))


def _print(options: argparse.Namespace, phases: Sequence[Phase]) -> None:
    import torch

    where = torch.cuda.get_device_name() if torch.cuda.is_available() and not options.tiny else "CPU"
    print(f"\n{where}, torch {torch.__version__}, model {Path(options.model).name}, tasks {options.data.name}\n")
    print("| unseen tasks | runs | pass@1 | 95 % | against before | share of tests | no action | GPU % | GiB | s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    before = phases[0].groups
    for phase in phases:
        if phase.groups:
            print(_evaluation_row(phase, before))
    print("\n| training | steps | rollouts | rollout tok/s | trained tok/s | GPU % | GiB | s |")
    print("|---|---|---|---|---|---|---|---|")
    for phase in phases:
        if not phase.groups:
            print(_training_row(phase))


def _evaluation_row(phase: Phase, before: Sequence[Group]) -> str:
    from rl_trainer.evaluate import Evaluation
    from rl_trainer.statistics import paired_interval

    values = Evaluation(tuple(phase.groups)).values()
    if not values["evaluation/tasks"]:
        return f"| {phase.name} | 0 | every world broke |"
    old, new = (
        {group.task_id: [float(run.passed) for run in group.trajectories if not run.infra] for group in some}
        for some in (before, phase.groups)
    )
    both = [name for name in new if old.get(name) and new[name]]
    change = paired_interval([old[name] for name in both], [new[name] for name in both])
    cells = (
        phase.name,
        f"{values['rollout/runs']:.0f} of {values['evaluation/tasks']:.0f} tasks",
        f"{values['evaluation/pass@1']:.3f}",
        f"{values['evaluation/low']:.3f} to {values['evaluation/high']:.3f}",
        "" if phase.name == "before" else f"{change.mean:+.3f} ({change.low:+.3f} to {change.high:+.3f})",
        f"{values['rollout/share']:.2f}",
        f"{values['rollout/malformed']:.2f}",
        *_machine(phase),
    )
    return f"| {' | '.join(cells)} |"


def _training_row(phase: Phase) -> str:
    values = [each.values for each in phase.records]
    rolled = sum(each.get("rollout/tokens", 0.0) * each.get("rollout/runs", 0.0) for each in values)
    rolling = sum(each.get("time/rollout_s", 0.0) for each in values)
    trained = sum(each.get("step/computed", 0.0) for each in values)
    stepping = sum(each.get("step/seconds", 0.0) * each.get("step/updates", 1.0) for each in values)
    cells = (
        phase.name,
        f"{sum(each.get('step/updates', 1.0) for each in values):.0f}",
        f"{sum(each.get('rollout/runs', 0.0) for each in values):.0f}",
        f"{rolled / rolling:,.0f}" if rolling else "-",
        f"{trained / stepping:,.0f}" if stepping else "-",
        *_machine(phase),
    )
    return f"| {' | '.join(cells)} |"


def _machine(phase: Phase) -> tuple[str, str, str]:
    used = f"{sum(phase.used) / len(phase.used):.0f}" if phase.used else "-"
    return used, f"{phase.memory_gb:.1f}" if phase.memory_gb else "-", f"{phase.seconds:.0f}"
