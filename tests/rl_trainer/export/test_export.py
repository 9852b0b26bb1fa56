import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent.endpoint.settings import LlmSettings
from rl_trainer.checkpoint import Place, save
from rl_trainer.cli.export import app
from rl_trainer.errors import CheckpointDamaged
from rl_trainer.export.exporting import export_model
from rl_trainer.export.serving import agent_settings
from rl_trainer.pool import Pool
from rl_trainer.recipe import Recipe, recipe_from
from rl_trainer.run_folder import Record, RunFolder

TABLE: dict[str, Any] = {
    "name": "small",
    "model": {"name": "base/model"},
    "tasks": {"source": "tasks.jsonl"},
    "stages": [{"kind": "dapo", "name": "rl", "iterations": 1}],
}


def evaluated(total: int, pass_1: float) -> Record:
    values = {"evaluation/pass@1": pass_1, "evaluation/tasks": 20.0, "loss": 3.0}
    return Record(kind="evaluation", stage="rl", iteration=total, total=total, rollouts=8, values=values)


def training(folder: Path, files: dict[str, str], recipe: Recipe | None = None) -> Path:
    """The folder of a training with two checkpoints of these files."""
    run = RunFolder(folder)
    folder.mkdir(exist_ok=True)
    run.write_recipe(recipe or recipe_from(TABLE, {}))
    for total, pass_1 in ((3, 0.25), (6, 0.5)):

        def write(at: Path, total: int = total) -> None:
            (at / "model").mkdir()
            for name, text in files.items():
                (at / "model" / name).write_text(text.replace("TOTAL", str(total)))

        save(folder, Place(total=total, step=12, rollouts=1_600, version=2), Pool(), write)
        run.append(evaluated(total, pass_1))
    return folder


WHOLE = {
    "model.safetensors": "weights TOTAL",
    "config.json": "{}",
    "tokenizer.json": "{}",
    "generation_config.json": json.dumps({"eos_token_id": 2, "temperature": 0.7, "top_k": 20, "do_sample": True}),
}
ADAPTER = {
    "adapter_model.safetensors": "adapter TOTAL",
    "adapter_config.json": '{"base_model_name_or_path": "base/it"}',
}


def test_the_newest_checkpoint_is_exported_unless_another_is_named(tmp_path: Path) -> None:
    run = training(tmp_path / "run", WHOLE)
    export_model(run, tmp_path / "new")
    export_model(run, tmp_path / "old", checkpoint="step-000003")
    assert (tmp_path / "new" / "model.safetensors").read_text() == "weights 6"
    assert (tmp_path / "old" / "model.safetensors").read_text() == "weights 3"


def test_what_would_cut_the_distribution_off_is_not_exported(tmp_path: Path) -> None:
    export_model(training(tmp_path / "run", WHOLE), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "generation_config.json").read_text()) == {"eos_token_id": 2}


def test_the_card_has_the_recipe_the_figures_and_the_licence(tmp_path: Path) -> None:
    export_model(training(tmp_path / "run", WHOLE), tmp_path / "out", licence="apache-2.0")
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.startswith("---\nbase_model: base/model\n")
    assert "license: apache-2.0" in card
    assert "| pass@1 | 0.25 | 0.5 |" in card
    assert "1,600 rollouts" in card
    assert '"source": "tasks.jsonl"' in card
    assert "loss" not in card.partition("## Recipe")[0]


def test_the_card_says_what_was_not_measured_and_not_told(tmp_path: Path) -> None:
    run = training(tmp_path / "run", WHOLE)
    (run / "metrics.jsonl").unlink()
    export_model(run, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "No evaluation was made" in card
    assert "was not told: look it up" in card


def test_adapters_alone_are_served_over_their_base(tmp_path: Path) -> None:
    run = training(tmp_path / "run", ADAPTER)
    made = CliRunner().invoke(app, [str(run), "--out", str(tmp_path / "out"), "--no-merge", "--json"])
    assert made.exit_code == 0, made.output
    command = json.loads(made.stdout)["serve"]
    assert command.startswith(f"vllm serve base/it --enable-lora --lora-modules small={tmp_path / 'out'}")
    assert "--generation-config vllm" in command


def test_the_command_prints_what_serves_it_and_what_points_the_agent_at_it(tmp_path: Path) -> None:
    run = training(tmp_path / "run", WHOLE)
    made = CliRunner().invoke(app, [str(run), "--out", str(tmp_path / "out")])
    assert made.exit_code == 0, made.output
    assert f"vllm serve {tmp_path / 'out'} --served-model-name small --generation-config vllm" in made.stdout
    assert agent_settings("small") in made.stdout


def test_the_settings_that_are_printed_are_settings_of_the_agent() -> None:
    import tomllib

    table = tomllib.loads(agent_settings("small"))["llm"]
    assert set(table) <= set(LlmSettings.__struct_fields__)


def test_a_folder_that_is_there_is_replaced_only_when_that_is_said(tmp_path: Path) -> None:
    run = training(tmp_path / "run", WHOLE)
    export_model(run, tmp_path / "out", checkpoint="step-000003")
    with pytest.raises(CheckpointDamaged, match="is there already"):
        export_model(run, tmp_path / "out")
    export_model(run, tmp_path / "out", replace=True)
    assert (tmp_path / "out" / "model.safetensors").read_text() == "weights 6"
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["step-000099", ""])
def test_what_cannot_be_exported_is_told(tmp_path: Path, name: str) -> None:
    run = training(tmp_path / "run", {"config.json": "{}"})
    with pytest.raises(CheckpointDamaged, match=r"cannot be read|no \*\.safetensors"):
        export_model(run, tmp_path / "out", checkpoint=name)
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # peft asks transformers for it
def test_merged_adapters_give_what_the_model_with_them_gave(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
    pytest.importorskip("peft", reason="the extra `train` is not installed")
    from transformers import AutoModelForCausalLM

    from rl_trainer.model.opening import open_model
    from rl_trainer.model.saving import save_model

    shape = {"layers": 1, "width": 16, "heads": 2, "vocab": 32, "context": 32}
    model_table = {"name": "scratch", "scratch": shape, "lora": {"rank": 2}}
    recipe = recipe_from({**TABLE, "model": model_table}, {})
    model = open_model(recipe.model, "cpu")
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.fill_(0.3)
    run = tmp_path / "run"
    run.mkdir()
    RunFolder(run).write_recipe(recipe)
    save(run, Place(total=1), Pool(), lambda at: save_model(model, at / "model", merge=False))
    export_model(run, tmp_path / "out")
    served = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    ids = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        assert torch.allclose(served(ids).logits, model(ids).logits, atol=1e-5)
