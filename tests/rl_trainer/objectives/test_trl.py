"""TRL's GRPOTrainer has the same loss and gradient on the same model and batch; needs the extra `train` and trl."""

import importlib
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("trl", reason="trl, the peer to compare with, is not installed")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # importing trl alone takes seconds, and warns


@pytest.mark.parametrize("name", ["dapo", "grpo", "grpo with KL 0.04", "dr_grpo", "cispo", "sapo", "gspo"])
def test_the_loss_and_the_gradient_of_all_weights_agree_with_trl(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[3] / "benchmarks")
    found = importlib.import_module("_trl_loss").compare(name, sequences=6, length=12, seed=1)
    assert found["apart"] < 1e-6
    assert found["gradient"] > 0.01
    assert found["gradients_apart"] < 1e-5
