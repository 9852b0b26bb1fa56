"""A whole small training: it goes on bit for bit wherever it was killed, and refuses what is not its own."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from rl_trainer.checkpoint import Place
from rl_trainer.errors import CheckpointDamaged, LearningFailed, RecipeWrong
from rl_trainer.recipe import Recipe, recipe_from
from rl_trainer.run_folder import RunFolder
from rl_trainer.train import train

TABLE: dict[str, Any] = {
    "name": "tiny",
    "model": {"name": "scratch", "scratch": {"layers": 1, "width": 32, "heads": 2, "vocab": 96, "context": 256}},
    "tasks": {"source": "repairs", "most": 12},
    "rollout": {"group": 4, "turns": 6, "context": 200, "max_tokens": 12, "wrong_actions": 2},
    "reward": {"tokens": {"longest": 60, "cache": 60}},
    "step": {"learning_rate": 1e-3, "batch": 8, "tokens": 2048, "threads": 1},
    "evaluation": {"every": 2, "tasks": 2},
    "stages": [
        {
            "kind": "rft",
            "name": "start",
            "expert": 0.6,
            "samples": 4,
            "only_passing": False,
            "step": {"batch": 6},
            "steps": 6,
        },
        {"kind": "dapo", "name": "rl", "iterations": 3, "problems": 3, "generations": 2},
    ],
}


def _recipe(**changes: str) -> Recipe:
    return recipe_from({**TABLE}, {name.replace("__", "."): value for name, value in changes.items()})


def _train(recipe: Recipe, out: Path) -> Place:
    return asyncio.run(train(recipe, out))


def _end(out: Path) -> tuple[dict[str, bytes], list[tuple[str, int, dict[str, float]]]]:
    """Weights and optimiser of the last checkpoint, and the figures that no clock has a part in."""
    folder = out / "checkpoints" / (out / "checkpoints" / "latest").read_text()
    files = {each.name: each.read_bytes() for each in (folder / "model").iterdir() if each.suffix == ".safetensors"}
    files["learner"] = (folder / "learner.pt").read_bytes()
    timed = ("seconds", "time/", "memory")
    records = [
        (
            each.kind,
            each.total,
            {name: value for name, value in each.values.items() if not any(t in name for t in timed)},
        )
        for each in RunFolder(out).records()
    ]
    return files, records


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: Any) -> Path:
    out = tmp_path_factory.mktemp("undisturbed")
    place = _train(_recipe(), out)
    assert (place.stage, place.total) == (2, 9)
    return out


def test_a_training_leaves_its_recipe_figures_and_trajectories(undisturbed: Path) -> None:
    folder = RunFolder(undisturbed)
    assert folder.recipe() == _recipe()
    kinds = [record.kind for record in folder.records()]
    assert (kinds.count("iteration"), kinds.count("step"), kinds.count("evaluation")) == (3, 6, 3)
    last = [record for record in folder.records() if record.kind == "iteration"][-1]
    assert last.rollouts >= 36
    assert last.values["drift/max"] < 1e-3
    groups = folder.groups("000009")
    assert groups is not None
    assert all(each.turns for group in groups for each in group.trajectories)
    assert min(each.name for each in (undisturbed / "checkpoints").glob("step-*")) == "step-000006"


@pytest.mark.timeout(400)
@pytest.mark.parametrize("at", [3, 7])
def test_a_training_that_is_killed_goes_on_to_the_very_same_weights(undisturbed: Path, tmp_path: Path, at: int) -> None:
    program = (
        "import asyncio, os, signal, sys, msgspec; from pathlib import Path; from rl_trainer.recipe import Recipe;"
        "from rl_trainer.train import train; from rl_trainer.training import Watching\n"
        "class Killer(Watching):\n"
        "    def record(self, record):\n"
        "        if record.total == int(sys.argv[2]): os.kill(os.getpid(), signal.SIGKILL)\n"
        "recipe = msgspec.json.decode(Path(sys.argv[3]).read_bytes(), type=Recipe)\n"
        "asyncio.run(train(recipe, Path(sys.argv[1]), watching=Killer()))\n"
    )
    out = tmp_path / "killed"
    given = [sys.executable, "-c", program, str(out), str(at), str(undisturbed / "recipe.json")]
    killed = subprocess.run(given, env={**os.environ}, timeout=300, check=False)
    assert killed.returncode == -signal.SIGKILL
    _train(_recipe(), out)
    assert _end(out) == _end(undisturbed)


def test_a_folder_of_another_recipe_is_left_alone(undisturbed: Path) -> None:
    before = _end(undisturbed)
    with pytest.raises(CheckpointDamaged, match="another recipe"):
        _train(_recipe(seed="1"), undisturbed)
    assert _end(undisturbed) == before
    assert _train(_recipe(evaluation__every="0"), undisturbed).total == 9, "how often it looks may change"
    assert _end(undisturbed) == before, "what has ended stays as it is"


def test_a_temperature_that_the_trainer_does_not_share_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeWrong, match="temperature"):
        _train(_recipe(rollout__temperature="0.7"), tmp_path)


def test_a_policy_that_never_succeeds_teaches_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    table = {**TABLE, "stages": TABLE["stages"][1:], "reward": {}}
    with pytest.raises(LearningFailed, match="rejection fine-tuning"):
        _train(recipe_from(table, {}), tmp_path)
