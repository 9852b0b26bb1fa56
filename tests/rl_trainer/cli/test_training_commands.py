"""`quartermaster train run`, `eval`, `inspect`, `report`, `export`, `dapo`: one small training, from end to end."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from typer.testing import CliRunner

from rl_trainer.cli.train import app

RECIPE = """
name = "tiny"
[model]
name = "scratch"
[model.scratch]
layers = 1
width = 32
heads = 2
vocab = 96
context = 256
[tasks]
source = "repairs"
most = 8
[rollout]
group = 4
turns = 5
context = 200
max_tokens = 12
[reward.tokens]
longest = 60
cache = 60
[step]
learning_rate = 1e-3
batch = 8
tokens = 2048
threads = 1
[evaluation]
every = 1
tasks = 2
[[stages]]
kind = "rft"
name = "start"
expert = 0.6
samples = 2
only_passing = false
steps = 2
[[stages]]
kind = "dapo"
name = "rl"
iterations = 1
problems = 2
generations = 1
"""


def _told(*command: str) -> str:
    found = CliRunner().invoke(app, list(command), catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory: Any) -> Path:
    folder = tmp_path_factory.mktemp("training")
    (folder / "tiny.toml").write_text(RECIPE)
    told = json.loads(_told("run", "--recipe", str(folder / "tiny.toml"), "--out", str(folder / "run"), "--json"))
    assert (told["stage"], told["step"] >= 2, told["rollouts"]) == (2, True, 8)
    return folder


def test_a_training_is_evaluated_on_tasks_that_it_never_saw(trained: Path) -> None:
    found = json.loads(_told("eval", str(trained / "run"), "--samples", "2", "--most", "3", "--json"))
    assert set(found) == {"held_out_tasks", "held_out_kinds"}
    assert found["held_out_tasks"]["evaluation/tasks"] == 3
    assert 0 <= found["held_out_tasks"]["evaluation/pass@1"] <= found["held_out_tasks"]["evaluation/pass@2"] <= 1
    told = _told("eval", str(trained / "run"), "--samples", "1", "--most", "2", "--against", str(trained / "run"))
    assert "against the other: +0.000" in told


def test_a_training_can_be_looked_into(trained: Path) -> None:
    page = trained / "page.html"
    _told("inspect", str(trained / "run"), "--out", str(page))
    assert "<!doctype html>" in page.read_text()
    assert "repairs/" in page.read_text(), "the tasks of the groups"
    assert (trained / "run" / "report.md").read_text().startswith("#")
    assert "tiny" in _told("report", str(trained / "run"), "--json")


def test_what_was_trained_is_gone_on_with_elsewhere(trained: Path) -> None:
    out = str(trained / "more")
    told = _told(
        "dapo",
        "--recipe",
        str(trained / "tiny.toml"),
        "--from",
        str(trained / "run"),
        "--out",
        out,
        "--iterations",
        "1",
    )
    assert "rollouts" in told
    _told("export", str(trained / "more"), "--out", str(trained / "model"))
    assert (trained / "model" / "model.safetensors").is_file()
    again = _told("rft", "--recipe", str(trained / "tiny.toml"), "--from", str(trained / "model"), "--out", out + "2")
    assert "optimiser steps" in again
