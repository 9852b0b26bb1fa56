# pyright: basic, reportMissingImports=false
"""Two processes with sharded weights (FSDP2 over gloo) are one trainer."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from safetensors.torch import load_file

from rl_trainer.step.processes import from_first, gathered, own_share, rank, world

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = Path(__file__).with_name("sharded.py")


@pytest.mark.timeout(300)  # two processes import torch and transformers
def test_two_processes_make_the_step_that_one_makes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    runpy.run_path(str(SCRIPT))["work"](tmp_path / "one", fsdp=False)
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path / "two")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    one, two = (json.loads((tmp_path / name / "said.json").read_text()) for name in ("one", "two"))
    assert (one["world"], two["world"]) == (1, 2)
    assert one["rows"] == two["rows"] == 3
    assert two["drawn"] == [0]
    assert two["loss"] == pytest.approx(one["loss"], abs=1e-6)
    assert two["norm"] == pytest.approx(one["norm"], rel=1e-5)
    assert two["ratio_max"] == pytest.approx(one["ratio_max"], rel=1e-5)
    assert two["tokens"] == one["tokens"]
    for mine, theirs in zip(two["seen"], one["seen"], strict=True):
        assert mine == pytest.approx(theirs, abs=1e-5)
    mine, theirs = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("one", "two"))
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)
    states = [torch.load(tmp_path / name / "state.pt")["optimiser"]["state"] for name in ("one", "two")]
    torch.testing.assert_close(states[0], states[1], rtol=1e-3, atol=1e-6)


def test_a_process_alone_is_the_first_and_only_one() -> None:
    assert (rank(), world()) == (0, 1)
    assert gathered("x") == ["x"]
    assert from_first("x") == "x"
    assert own_share([1, 2, 3]) == [(1, True), (2, True), (3, True)]
