"""Folders of trainings as a training leaves them, with made-up figures."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from rl_trainer.recipe import read_recipe
from rl_trainer.run_folder import Record, RunFolder

KINDS = ("condition", "init", "return")


def iteration(place: int, success: float, **values: float) -> Record:
    named = {name.replace("__", "/"): value for name, value in values.items()}
    return Record(
        kind="iteration",
        stage="rl",
        iteration=place,
        total=100 + place,
        rollouts=64 * place,
        values={
            "rollout/runs": 64.0,
            "rollout/success": success,
            "rollout/turns": 4.0,
            "reward/outcome": success,
            "reward/turns": -0.1,
            "rollout/reward": success - 0.1,
            "groups/uninformative": 2.0,
            "step/loss": 0.1,
            "step/updates": 2.0,
            "step/tokens": 500.0,
            "drift/max": 2e-6,
            **named,
        },
    )


def evaluation(place: int, success: float, *, rollouts: int | None = None, **values: float) -> Record:
    return Record(
        kind="evaluation",
        stage="rl",
        iteration=place,
        total=100 + place,
        rollouts=64 * place if rollouts is None else rollouts,
        values={
            "evaluation/tasks": 96.0,
            "evaluation/samples": 2.0,
            "evaluation/pass@1": success,
            "evaluation/pass@2": success + 0.1,
            "evaluation/low": success - 0.1,
            "evaluation/high": success + 0.1,
            "rollout/turns": 4.0,
            **{f"success/{kind}": success for kind in KINDS},
            **{name.replace("__", "/"): value for name, value in values.items()},
        },
    )


Begin = Callable[..., Path]


@pytest.fixture
def a_run(tmp_path: Path) -> Begin:
    """Makes a run's folder: the shipped recipe with some fields changed, and these records."""

    def made(name: str, records: Sequence[Record], **changes: str) -> Path:
        folder = RunFolder(tmp_path / name)
        folder.path.mkdir()
        settings = {path.replace("__", "."): value for path, value in changes.items()}
        folder.write_recipe(read_recipe("laptop", settings))
        for record in records:
            folder.append(record)
        return folder.path

    return made
