# pyright: basic, reportMissingImports=false
"""The trainer's proof in short: it learns beyond the seeds' noise, and a killed training ends in the same weights.

A small model is made from scratch and taught by noisy demonstrations, once for each seed; then DAPO goes on. Success is
measured on tasks that no stage saw, before and after. One of the trainings is killed (SIGKILL) at random points and
resumed; its weights must be those of an undisturbed one, bit for bit. The last line has the figures; the exit status is
1 if either fails. Example: python scripts/train_proof.py --seeds 2 --iterations 16 --kills 3
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from rl_trainer.checkpoint import latest
from rl_trainer.recipe import Recipe, read_recipe, recipe_from
from rl_trainer.run_folder import RunFolder
from rl_trainer.statistics import paired_interval


def main(options: argparse.Namespace) -> int:
    if options.job:
        return _train(Path(options.job))
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="train-proof-") as name:
        out = Path(name)
        folders = [out / f"seed-{seed}" for seed in range(options.seeds)]
        for seed, folder in enumerate(folders):
            _prepare(folder, _learning(options, seed))
        with ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(_in_process, folders))
        learnt, told = _learnt(folders)
        same, kills = _resumed(out, options)
    seconds = time.monotonic() - started
    verdict = "passed" if learnt and same else "FAILED"
    resumed = f"{kills} kills, {'the same weights' if same else 'OTHER WEIGHTS'}"
    print(f"train-proof {verdict}: {told}; {resumed}; {seconds:.0f} s")
    return 0 if learnt and same else 1


def _learning(options: argparse.Namespace, seed: int) -> Recipe:
    """The laptop recipe, cut short."""
    table: dict[str, Any] = msgspec.to_builtins(read_recipe("laptop"))
    rft, dapo = table["stages"]
    rft["steps"] = options.steps
    rft["step"]["total_steps"] = options.steps + 80
    table |= {
        "seed": seed,
        "evaluation": {"every": 10_000, "tasks": options.tasks, "samples": options.samples},
        "stages": [rft, {**dapo, "iterations": options.iterations}],
    }
    table["model"]["seed"] = seed
    return recipe_from(table, {})


def _tiny(seed: int) -> Recipe:
    """A training of seconds: every kind of stage, refilling, carried groups, an evaluation."""
    table: dict[str, Any] = msgspec.to_builtins(read_recipe("laptop"))
    rft, dapo = table["stages"]
    table |= {
        "seed": seed,
        "tasks": {"source": "repairs", "most": 40},
        "reward": {"tokens": {"longest": 80, "cache": 80}},
        "evaluation": {"every": 3, "tasks": 4},
        "stages": [
            {**rft, "steps": 30, "step": {"batch": 8, "learning_rate": 2e-3}},
            {**dapo, "iterations": 8, "problems": 3},
        ],
    }
    return recipe_from(table, {})


def _prepare(folder: Path, recipe: Recipe) -> None:
    folder.mkdir(parents=True)
    (folder / "job.json").write_bytes(msgspec.json.encode(recipe))


def _command(folder: Path) -> list[str]:
    return [sys.executable, __file__, "--job", str(folder)]


def _in_process(folder: Path) -> None:
    print(f"{folder.name}: training", file=sys.stderr, flush=True)
    subprocess.run(_command(folder), check=True)
    print(f"{folder.name}: done", file=sys.stderr, flush=True)


def _train(folder: Path) -> int:
    from rl_trainer.train import train

    recipe = msgspec.json.decode((folder / "job.json").read_bytes(), type=Recipe)
    asyncio.run(train(recipe, folder))
    return 0


def _learnt(folders: list[Path]) -> tuple[bool, str]:
    """Whether success rose for every seed, and by more than the paired 95 % interval over seeds' noise allows."""
    before, after, noise = list[float](), list[float](), list[float]()
    for folder in folders:
        found = [each for each in RunFolder(folder).records() if each.kind == "evaluation"]
        first, last = found[0].values, found[-1].values
        before.append(first["evaluation/pass@1"])
        after.append(last["evaluation/pass@1"])
        noise.append((last["evaluation/high"] - last["evaluation/low"]) / 2)
    change = paired_interval([[each] for each in before], [[each] for each in after])
    rose = [new - old for old, new in zip(before, after, strict=True)]
    spread = max(after) - min(after)
    learnt = min(rose) > 0 and change.mean > max(sum(noise) / len(noise), spread)
    mean = (sum(before) / len(before), sum(after) / len(after))
    told = f"success on unseen tasks {mean[0]:.2f} -> {mean[1]:.2f} ({len(folders)} seeds, rises "
    return learnt, told + ", ".join(f"{each:+.2f}" for each in rose) + f", seeds apart {spread:.2f})"


def _resumed(out: Path, options: argparse.Namespace) -> tuple[bool, int]:
    """Whether a training that was killed again and again ends in the weights of one that was left alone."""
    calm, killed = out / "calm", out / "killed"
    for folder in (calm, killed):
        _prepare(folder, _tiny(options.seeds))
    began = time.monotonic()
    _in_process(calm)
    whole_s = time.monotonic() - began
    drawn = random.Random(options.seeds)
    kills = 0
    for _ in range(options.kills):
        with subprocess.Popen(_command(killed)) as process:
            try:
                process.wait(timeout=whole_s * drawn.uniform(0.3, 0.9))
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
    _in_process(killed)
    return _weights(calm) == _weights(killed), kills


def _weights(folder: Path) -> list[bytes]:
    saved = latest(folder)
    assert saved is not None
    files = sorted((saved.folder / "model").glob("*.safetensors"))
    return [file.read_bytes() for file in [*files, saved.folder / "learner.pt"]]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--seeds", type=int, default=2)
    add("--steps", type=int, default=500, help="of the start, on demonstrations")
    add("--iterations", type=int, default=16, help="of DAPO, after it")
    add("--tasks", type=int, default=96, help="unseen tasks of an evaluation")
    add("--samples", type=int, default=4, help="runs of each of them")
    add("--kills", type=int, default=3)
    add("--jobs", type=int, default=2, help="trainings at once, one thread each")
    add("--job", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(arguments()))
