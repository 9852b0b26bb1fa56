"""Does the trainer learn? DAPO, plain GRPO, more rejection fine-tuning and turn-tree credit, at equal rollouts.

For each seed one model is made from scratch and taught by noisy demonstrations; from there every variant goes on with
the same number of rollouts. Prints success on tasks and on a kind of bug that none of them saw, before and after, with
95 % intervals over seeds. Needs torch and transformers. Curves: quartermaster train report on the folders.
Example: python benchmarks/learning.py --seeds 3 --rollouts 3200 --out .bench/learning
"""

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from _machine import machine_line, table

from rl_trainer.recipe import Recipe, read_recipe, recipe_from
from rl_trainer.run_folder import RunFolder
from rl_trainer.statistics import Estimate, seeds_interval

_SETS = ("held_out_tasks", "held_out_kinds")
_NO_TREE = {"estimator": {"name": "group"}}
VARIANTS: dict[str, dict[str, Any]] = {
    "DAPO": {},
    "plain GRPO": {
        "objective": {"name": "grpo"},
        "reward": {},
        "stage": {"generations": 1, "carry": 0, "drop": False},
    },
    "more RFT": {"rft": True},
    "DAPO, lambda-GRPO": {"credit": {"estimator": {"name": "group"}, "modifiers": [{"name": "lambda"}]}},
    "DAPO, TEMPO": {"credit": {"estimator": {"name": "tempo"}}},
    "DAPO, GiGPO": {"credit": {"estimator": {"name": "gigpo"}}},
}


def main(options: argparse.Namespace) -> int:
    if options.job:
        return _job(json.loads(options.job))
    out = Path(options.out)
    print(machine_line())
    print(
        f"{options.seeds} seeds, {options.rollouts:,} rollouts each after the start, {options.samples} runs a test task"
    )
    starts = [{"folder": str(out / f"start-{seed}"), "variant": "start", "seed": seed} for seed in range(options.seeds)]
    _all(starts, options)
    chosen = options.variants or list(VARIANTS)
    jobs = [
        {"folder": str(out / f"{_slug(name)}-{seed}"), "variant": name, "seed": seed}
        for seed in range(options.seeds)
        for name in chosen
    ]
    _all(jobs, options)
    _print(out, chosen, options)
    return 0


def _all(jobs: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """Each in a process of its own; one that an earlier call has finished is not done again."""
    common = {"rollouts": options.rollouts, "samples": options.samples, "tests": options.tests, "set": options.set}

    def run(job: dict[str, Any]) -> None:
        if (Path(job["folder"]) / "evaluation.json").is_file():
            return
        command = [sys.executable, __file__, "--job", json.dumps({**common, **job})]
        subprocess.run(command, check=True)

    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(run, jobs))


def recipe_for(variant: str, seed: int, rollouts: int, folder: Path, change: list[str]) -> Recipe:
    """The laptop recipe as the variant has it, with the start's weights where it is not the start."""
    recipe = read_recipe("laptop", dict(text.split("=", 1) for text in change))
    built: dict[str, Any] = json.loads(_json(recipe))
    rft, dapo = built["stages"]
    built |= {"name": _slug(variant), "seed": seed}
    built["model"]["seed"] = seed
    if variant == "start":
        return recipe_from({**built, "stages": [rft]}, {})
    given = VARIANTS[variant]
    built["model"] |= {"name": str(_model(folder.parent / f"start-{seed}")), "scratch": None}
    for section in ("objective", "credit", "reward"):
        if section in given:
            built[section] = given[section]
    if given.get("rft"):
        size = 40 * built["rollout"]["group"]
        laps = -(-rollouts // size)
        stages = [_more_rft(number, built) for number in range(laps)]
    else:
        stages = [{**dapo, "iterations": 10_000, "rollouts": rollouts, **given.get("stage", {})}]
    return recipe_from({**built, "stages": stages}, {})


def _more_rft(lap: int, built: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "rft",
        "name": f"rft-{lap}",
        "tasks": 40,
        "samples": built["rollout"]["group"],
        "most_each": built["rollout"]["group"],
        "epochs": 2,
    }


def _job(job: dict[str, Any]) -> int:
    import asyncio

    from rl_trainer.cli.evaluation import measure_folder
    from rl_trainer.train import train

    folder = Path(job["folder"])
    recipe = recipe_for(job["variant"], job["seed"], job["rollouts"], folder, job["set"])
    asyncio.run(train(recipe, folder))
    found = asyncio.run(measure_folder(folder, samples=job["samples"], most=job["tests"]))
    (folder / "evaluation.json").write_text(json.dumps(found))
    values = {name: round(found[name]["evaluation/pass@1"], 3) for name in _SETS}
    print(f"{job['variant']}, seed {job['seed']}: {values}", file=sys.stderr, flush=True)
    return 0


def _print(out: Path, variants: list[str], options: argparse.Namespace) -> None:
    rows = []
    for name in ["start", *variants]:
        folders = [out / f"{_slug(name)}-{seed}" for seed in range(options.seeds)]
        found = [json.loads((folder / "evaluation.json").read_text()) for folder in folders]
        row = [name]
        row += [_told([each[set_]["evaluation/pass@1"] for each in found]) for set_ in _SETS]
        most = max(int(key.partition("@")[2]) for key in found[0][_SETS[0]] if key.startswith("evaluation/pass@"))
        row.append(f"{_mean([each[_SETS[0]][f'evaluation/pass@{most}'] for each in found]):.2f} (k={most})")
        shown = ("rollout/turns", "rollout/malformed", "rollout/tested_before_submit")
        row += [f"{_mean([each[_SETS[0]][key] for each in found]):.2f}" for key in shown]
        records = [RunFolder(folder).records() for folder in folders]
        row.append(f"{_mean([each[-1].rollouts for each in records]):,.0f}")
        rows.append(row)
    heads = ["", "held-out tasks", "held-out kind", "pass@k", "turns", "malformed", "tested first", "rollouts"]
    print(table(heads, rows))
    print("\nsuccess by kind of bug, held-out tasks:\n")
    kinds: list[list[str]] = []
    for name in ["start", *variants]:
        found = [
            json.loads((out / f"{_slug(name)}-{seed}" / "evaluation.json").read_text())[_SETS[0]]
            for seed in range(options.seeds)
        ]
        names = sorted(key for key in found[0] if key.startswith("success/"))
        kinds.append([name, *(f"{_mean([each[key] for each in found]):.2f}" for key in names)])
    print(table(["", *(key.partition("/")[2] for key in names)], kinds))
    _differences(out, variants, options)


def _differences(out: Path, variants: list[str], options: argparse.Namespace) -> None:
    """DAPO against each of the others, seed by seed: from the same start, at the same number of rollouts."""
    if "DAPO" not in variants or options.seeds < 2:
        return
    print("\nDAPO minus the other, held-out tasks, paired by seed:\n")
    rows = []
    for name in ["start", *(each for each in variants if each != "DAPO")]:
        apart = [_success(out, "DAPO", seed) - _success(out, name, seed) for seed in range(options.seeds)]
        rows.append([name, _told(apart, signed=True)])
    print(table(["against", "difference"], rows))


def _success(out: Path, name: str, seed: int) -> float:
    found = json.loads((out / f"{_slug(name)}-{seed}" / "evaluation.json").read_text())
    return found[_SETS[0]]["evaluation/pass@1"]


def _told(values: list[float], *, signed: bool = False) -> str:
    if len(values) < 2:
        return f"{values[0]:.3f}"
    found: Estimate = seeds_interval(values)
    sign = "+" if signed else ""
    return f"{found.mean:{sign}.3f} [{found.low:{sign}.3f}, {found.high:{sign}.3f}]"


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _slug(name: str) -> str:
    return name.lower().replace(", ", "-").replace(" ", "-")


def _json(recipe: Recipe) -> str:
    import msgspec

    return msgspec.json.encode(recipe).decode()


def _model(start: Path) -> Path:
    from rl_trainer.cli.training import weights_of

    return weights_of(start).resolve()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--seeds", type=int, default=3)
    add("--rollouts", type=int, default=3200, help="of each variant after the start")
    add("--samples", type=int, default=4, help="runs of each test task")
    add("--tests", type=int, default=120, help="tasks of each test set")
    add("--variants", nargs="*", choices=list(VARIANTS), help="all, if none is named")
    add("--jobs", type=int, default=2, help="processes at once, one thread each")
    add("--out", default=".bench/learning")
    add("--set", action="append", default=[], help="change a field of the laptop recipe")
    add("--job", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(arguments()))
