"""`export_model`: the weights of a checkpoint as a folder that vLLM and transformers serve."""

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_trainer.checkpoint import Saved, latest, read
from rl_trainer.errors import CheckpointDamaged
from rl_trainer.export.card import model_card
from rl_trainer.recipe import Recipe
from rl_trainer.run_folder import RunFolder

_ADAPTER = "adapter_config.json"
_SAMPLING = ("do_sample", "temperature", "top_k", "top_p", "min_p", "typical_p", "repetition_penalty", "penalty_alpha")
"""Of generation_config.json: what would make a server sample otherwise than in training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """adapter_of: the base model, where only adapters were exported. tokenizer: whether one is with the weights."""

    folder: Path
    checkpoint: Path
    name: str
    adapter_of: str
    tokenizer: bool


def export_model(
    run: Path, out: Path, *, checkpoint: str = "", merge: bool = True, licence: str = "", replace: bool = False
) -> Exported:
    """Make `out`, which is there whole at the end, or not at all. merge: adapters are added to the base's weights.

    Raises:
        CheckpointDamaged: the run has no such checkpoint, it lacks weights, or `out` is there already.
    """
    if out.exists() and not replace:
        raise CheckpointDamaged(f"{out} is there already: name another folder, or say --replace")
    folder = RunFolder(run)
    recipe = folder.recipe()
    saved = _saved(run, checkpoint)
    weights = saved.folder / "model"
    adapter = (weights / _ADAPTER).is_file()
    if not list(weights.glob("*.safetensors")):
        raise CheckpointDamaged(f"{weights} has no *.safetensors: name another checkpoint")
    out.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        if adapter and merge:
            _merge(recipe, weights, building)
        else:
            shutil.copytree(weights, building, dirs_exist_ok=True)
        _neutral(building / "generation_config.json")
        (building / "README.md").write_text(model_card(recipe, saved.place, folder.records(), licence=licence))
        building.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        building.rename(out)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return Exported(
        folder=out,
        checkpoint=saved.folder,
        name=recipe.name,
        adapter_of=_base(weights, recipe) if adapter and not merge else "",
        tokenizer=any(out.glob("tokenizer*")),
    )


def _saved(run: Path, checkpoint: str) -> Saved:
    saved = read(run / "checkpoints" / checkpoint) if checkpoint else latest(run)
    if saved is None:
        raise CheckpointDamaged(f"{run} has no checkpoint yet: train first")
    return saved


def _merge(recipe: Recipe, weights: Path, out: Path) -> None:
    from rl_trainer.model.opening import open_model
    from rl_trainer.model.saving import load_weights, save_model

    model: Any = open_model(recipe.model, "cpu")
    load_weights(model, weights)
    save_model(model, out / "merged", merge=True)
    for file in [*(out / "merged").iterdir(), *weights.glob("*token*"), *weights.glob("*template*")]:
        shutil.copy2(file, out / file.name)
    shutil.rmtree(out / "merged")


def _base(weights: Path, recipe: Recipe) -> str:
    """What the adapters are for."""
    said = json.loads((weights / _ADAPTER).read_text()).get("base_model_name_or_path")
    return str(said or recipe.model.name)


def _neutral(file: Path) -> None:
    """Take sampling out of the generation config, so that serving without any flag is unbiased too."""
    if file.is_file():
        kept = {name: value for name, value in json.loads(file.read_text()).items() if name not in _SAMPLING}
        file.write_text(json.dumps(kept, indent=2) + "\n")
