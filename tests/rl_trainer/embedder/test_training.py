"""Training, from the loss to the model folder; needs the extra `train`."""

from pathlib import Path

import numpy as np
import pytest

from retrieval.embedders import open_embedder
from rl_trainer.embedder.batches import Prepared
from rl_trainer.embedder.recipe import Recipe
from rl_trainer.embedder.train import base_folder, train
from rl_trainer.errors import CheckpointDamaged

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from rl_trainer.embedder.export import export  # noqa: E402
from rl_trainer.embedder.fit import fit  # noqa: E402
from rl_trainer.embedder.network import ToolEncoder  # noqa: E402
from rl_trainer.embedder.objective import agreement, contrast  # noqa: E402

RECIPE = Recipe(epochs=1, batch=8, query_layers=2, learning_rate=1e-3)


def quiet(*_: object) -> None: ...


def unit(rows: int, dim: int, seed: int) -> "torch.Tensor":
    found = torch.from_numpy(np.random.default_rng(seed).normal(size=(rows, dim)))
    return torch.nn.functional.normalize(found, dim=-1)


def test_contrast_is_infonce_as_numpy_computes_it() -> None:
    queries, passages = unit(4, 6, 1), unit(7, 6, 2)
    masked = torch.zeros(4, 7, dtype=torch.bool)
    masked[0, 5] = masked[2, 1] = True
    scores = queries.numpy() @ passages.numpy().T / 0.05
    scores[masked.numpy()] = -np.inf
    each = np.log(np.exp(scores).sum(1)) - np.diag(scores[:, :4])
    assert float(contrast(queries, passages, masked, temperature=0.05)) == pytest.approx(each.mean())


def test_a_masked_passage_gets_no_gradient() -> None:
    queries, passages = unit(3, 5, 1), unit(4, 5, 2).requires_grad_()
    masked = torch.zeros(3, 4, dtype=torch.bool)
    masked[:, 3] = True
    contrast(queries, passages, masked, temperature=0.05).backward()
    assert passages.grad is not None
    assert not passages.grad[3].any()
    assert passages.grad[:3].any()


def test_agreement_moves_the_student_alone() -> None:
    student, teacher = unit(3, 5, 1).requires_grad_(), unit(3, 5, 2).requires_grad_()
    agreement(student, teacher).backward()
    assert student.grad is not None
    assert teacher.grad is None


class Stopped(Exception): ...


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(
    base: Path, prepared: list[Prepared], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rl_trainer.embedder.fit._SAVE_EVERY_S", 0.0)

    def stop(step: int, *_: object) -> None:
        if step == 9:
            raise Stopped

    whole = ToolEncoder.load(base, query_layers=2)
    fit(whole, prepared, RECIPE, tmp_path / "whole.pt", quiet)
    with pytest.raises(Stopped):
        fit(ToolEncoder.load(base, query_layers=2), prepared, RECIPE, tmp_path / "halves.pt", stop)
    halves = ToolEncoder.load(base, query_layers=2)
    fit(halves, prepared, RECIPE, tmp_path / "halves.pt", quiet)
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, halves.state_dict()[name]), name


def test_a_checkpoint_of_another_recipe_is_refused(base: Path, prepared: list[Prepared], tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    fit(ToolEncoder.load(base, query_layers=2), prepared[:1], RECIPE, path, quiet)
    with pytest.raises(CheckpointDamaged, match="another recipe"):
        other = Recipe(epochs=2, batch=8, query_layers=2, learning_rate=1e-3)
        fit(ToolEncoder.load(base, query_layers=2), prepared[:1], other, path, quiet)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointDamaged, match="cannot be read"):
        fit(ToolEncoder.load(base, query_layers=2), prepared[:1], RECIPE, path, quiet)


def test_training_makes_a_model_folder_that_finds_kept_tools_better(base: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    recipe = Recipe(epochs=4, batch=8, query_layers=2, early_queries=True, learning_rate=2e-3, trained_share=1.0)
    told: list[str] = []
    results = train(data, out, recipe, base=base, progress=lambda part, *_: told.append(part))
    assert {"mine", "fit", "measure"} <= set(told)
    model = open_embedder(str(out))
    texts = ["find me a parcel", "parcels: find parcel. finds a parcel"]
    assert model.embed(texts).shape == (2, 48)
    assert not np.allclose(model.embed(texts, kind="query"), model.embed(texts, kind="document"))
    assert results["questions"]["after"]["recall@5"] > 0.3
    assert train(data, out, recipe, base=base, progress=quiet) == results


def test_queries_go_through_all_layers_unless_the_recipe_says_otherwise(base: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    export(ToolEncoder.load(base, query_layers=2), base, out, described={"id": "small"})
    model = open_embedder(str(out))
    text = ["find me a parcel"]
    assert np.array_equal(model.embed(text, kind="query"), model.embed(text, kind="document"))


def test_mixing_gives_the_mean_of_both_weights(base: Path) -> None:
    encoder = ToolEncoder.load(base, query_layers=2)
    before = {name: weight.clone() for name, weight in encoder.state_dict().items()}
    with torch.no_grad():
        encoder.early.weight += 1.0
    encoder.mix(before, 0.75)
    assert torch.allclose(encoder.early.weight, before["early.weight"] + 0.75)


def test_the_base_model_may_be_a_folder(base: Path) -> None:
    assert base_folder(str(base)) == base
