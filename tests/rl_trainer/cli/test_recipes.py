"""`quartermaster train recipes`: what ships is listed, and printed to be changed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from rl_trainer.cli.train import app
from rl_trainer.errors import RecipeWrong
from rl_trainer.recipe import read_recipe, shipped


def ran(*words: str) -> str:
    result = CliRunner().invoke(app, ["recipes", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_shipped_recipe_is_listed() -> None:
    assert [line.split()[0] for line in ran().splitlines()] == shipped()


def test_a_printed_recipe_is_the_shipped_one(tmp_path: Path) -> None:
    copy = tmp_path / "mine.toml"
    copy.write_text(ran("laptop"))
    assert read_recipe(str(copy)) == read_recipe("laptop")


def test_a_name_that_is_not_shipped_is_told_with_those_that_are() -> None:
    with pytest.raises(RecipeWrong, match="laptop"):
        ran("desktop")
