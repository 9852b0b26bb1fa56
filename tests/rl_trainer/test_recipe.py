"""Recipes: what ships can be read, what cannot be is refused with its field."""

from pathlib import Path

import pytest

from rl_trainer.errors import RecipeWrong
from rl_trainer.recipe import of_stage, read_recipe, shipped
from rl_trainer.stages import DapoStage


def test_every_shipped_recipe_can_be_read() -> None:
    assert {"laptop", "swe-paper", "exercism-0.5b"} <= set(shipped())
    for name in shipped():
        assert read_recipe(name).stages


def test_the_papers_stages_have_the_papers_numbers() -> None:
    """arXiv 2508.03501, the table of section 4."""
    recipe = read_recipe("swe-paper")
    rft, *rl = recipe.stages
    tuned = of_stage(recipe, rft)
    assert (tuned.step.batch, tuned.step.learning_rate) == (64, 5e-6)
    stages = [stage for stage in rl if isinstance(stage, DapoStage)]
    first, second = (of_stage(recipe, stage) for stage in stages)
    assert [stage.problems for stage in stages] == [300, 100]
    assert (first.rollout.turns, second.rollout.turns) == (40, 80)
    assert (first.rollout.context, second.rollout.context) == (65_536, 131_072)
    assert (first.objective.clip, second.objective.clip) == ((0.2, 0.3), (0.2, 0.26))
    assert (first.step.batch, second.step.batch) == (128, 256)
    assert first.reward.turns is not None
    assert (first.rollout.group, first.reward.turns.threshold, first.rollout.temperature) == (10, 10, 1.0)
    assert stages[1].pool.solved
    assert stages[1].pool.below == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"step.learning_rat": "1"}, "learning_rat"),
        ({"rollout.top_k": "40"}, "top_k"),
        ({"step.batch": "many"}, "batch"),
        ({"stages": "[]", "nothing.here": "1"}, "nothing"),
    ],
)
def test_a_field_that_there_is_not_is_refused_by_name(change: dict[str, str], told: str) -> None:
    with pytest.raises(RecipeWrong, match=told):
        read_recipe("laptop", change)


def test_fields_can_be_changed_from_outside() -> None:
    changed = read_recipe(
        "laptop", {"step.batch": "7", "reward.turns.threshold": "3", "tasks.source": "my tasks.jsonl"}
    )
    assert changed.reward.turns is not None
    assert (changed.step.batch, changed.reward.turns.threshold, changed.tasks.source) == (7, 3, "my tasks.jsonl")


def test_a_stage_with_a_wrong_table_is_refused_when_the_recipe_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        '[model]\nname = "m"\n[tasks]\nsource = "t"\nname2 = 1\n[[stages]]\nkind = "dapo"\nname = "a"\niterations = 1\n'
    )
    with pytest.raises(RecipeWrong, match="name2"):
        read_recipe(str(file))
    text = 'name = "mine"\n[model]\nname = "m"\n[tasks]\nsource = "t"\n'
    file.write_text(f'{text}[[stages]]\nkind = "dapo"\nname = "a"\niterations = 1\nrollout = {{trns = 3}}\n')
    with pytest.raises(RecipeWrong, match="trns"):
        read_recipe(str(file))
    with pytest.raises(RecipeWrong, match="laptop"):
        read_recipe("nothing-like-it")
