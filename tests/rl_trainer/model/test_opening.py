# pyright: basic, reportMissingImports=false
"""Models: made from a seed, refused where settings contradict each other, saved and loaded whole."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from rl_trainer.errors import BaseModelMissing, CheckpointDamaged, RecipeWrong
from rl_trainer.model.adapters import has_adapters
from rl_trainer.model.opening import open_model
from rl_trainer.model.saving import load_weights, save_model
from rl_trainer.model.settings import Lora, ModelSettings, Scratch

TINY = Scratch(layers=2, width=16, heads=2, vocab=32, context=32)
SETTINGS = ModelSettings(name="scratch", scratch=TINY, seed=7)
ADAPTED = msgspec.structs.replace(SETTINGS, lora=Lora(rank=2, targets=("q_proj", "v_proj")))


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=torch.arange(10)[None]).logits


def nudge(model: Any) -> None:
    """Change what learns, as a step would."""
    with torch.no_grad():
        for one in model.parameters():
            if one.requires_grad:
                one += 0.02


def test_a_seed_makes_the_same_model_and_leaves_torch_s_own_generator_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    first, again, other = (
        open_model(SETTINGS),
        open_model(SETTINGS),
        open_model(msgspec.structs.replace(SETTINGS, seed=8)),
    )
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(logits(first), logits(again))
    assert not torch.equal(logits(first), logits(other))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (ModelSettings(name="scratch"), "model.scratch"),
        (ModelSettings(name="somewhere", scratch=TINY), "model.scratch"),
        (ModelSettings(name="scratch", scratch=Scratch(width=10, heads=4)), "multiple of 2"),
        (msgspec.structs.replace(SETTINGS, dtype="bfloat16"), "1/256"),
        (msgspec.structs.replace(SETTINGS, lora=Lora(rank=0)), "at least 1"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: ModelSettings, said: str) -> None:
    with pytest.raises(RecipeWrong, match=said):
        open_model(settings)


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    for name in (str(tmp_path / "no.gguf"), str(tmp_path / "no")):
        with pytest.raises(BaseModelMissing, match="no"):
            open_model(ModelSettings(name=name))


def test_a_saved_model_opens_again_and_gives_its_weights_to_another(tmp_path: Path) -> None:
    model = open_model(SETTINGS)
    save_model(model, tmp_path / "model")
    nudge(model)
    save_model(model, tmp_path / "model")
    assert [file.name for file in tmp_path.iterdir()] == ["model"]
    assert torch.equal(logits(open_model(ModelSettings(name=str(tmp_path / "model")))), logits(model))
    other = open_model(SETTINGS)
    load_weights(other, tmp_path / "model")
    assert torch.equal(logits(other), logits(model))


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    model = open_model(SETTINGS)
    with pytest.raises(CheckpointDamaged, match="no model"):
        load_weights(model, tmp_path)
    larger = ModelSettings(name="scratch", scratch=msgspec.structs.replace(TINY, layers=3))
    save_model(open_model(larger), tmp_path / "larger")
    with pytest.raises(CheckpointDamaged, match="layers"):
        load_weights(model, tmp_path / "larger")
    (tmp_path / "larger" / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(CheckpointDamaged):
        load_weights(model, tmp_path / "larger")


def test_adapters_change_nothing_at_first_and_can_be_saved_alone_or_merged(tmp_path: Path) -> None:
    pytest.importorskip("peft")
    base, model = open_model(SETTINGS), open_model(ADAPTED)
    assert has_adapters(model)
    torch.testing.assert_close(logits(model), logits(base))
    nudge(model)
    assert not torch.allclose(logits(model), logits(base), atol=1e-4)
    save_model(model, tmp_path / "adapters", merge=False)
    save_model(model, tmp_path / "merged")
    assert not (tmp_path / "adapters" / "model.safetensors").exists()
    other = open_model(ADAPTED)
    load_weights(other, tmp_path / "adapters")
    assert torch.equal(logits(other), logits(model))
    whole = open_model(ModelSettings(name=str(tmp_path / "merged")))
    torch.testing.assert_close(logits(whole), logits(model))


def test_targets_that_the_model_does_not_have_are_refused() -> None:
    pytest.importorskip("peft")
    with pytest.raises(RecipeWrong, match="nowhere"):
        open_model(msgspec.structs.replace(SETTINGS, lora=Lora(targets=("nowhere",))))
