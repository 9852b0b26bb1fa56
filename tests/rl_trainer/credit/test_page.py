"""docs/credit.md has every variant and every field, with its default."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from rl_trainer.credit.settings import CreditSettings, EstimatorSettings, ModifierSettings
from rl_trainer.forks import ForkSettings
from rl_trainer.rewards import RewardSettings, RunLimits, TokenPenalty, TurnPenalty, check

PAGE = (Path(__file__).parents[3] / "docs" / "credit.md").read_text("utf-8")
VARIANTS = (*get_args(EstimatorSettings), *get_args(ModifierSettings))


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda each: each.__struct_config__.tag)
def test_every_variant_of_credit_is_explained_with_its_fields(variant: type) -> None:
    assert f"| `{variant.__struct_config__.tag}` |" in PAGE
    for field in msgspec.structs.fields(variant):
        default = "none" if field.default is msgspec.NODEFAULT else str(field.default).lower()
        row = next((row for row in _rows() if _explains(row, field.name, variant.__struct_config__.tag)), "")
        assert default in row, f"{field.name} of {variant.__struct_config__.tag}"


@pytest.mark.parametrize("settings", [RewardSettings, TurnPenalty, TokenPenalty, ForkSettings])
def test_every_field_of_rewards_and_forks_is_explained(settings: type) -> None:
    for field in msgspec.structs.fields(settings):
        assert re.search(rf"`(\w+\.)?{field.name}(`| =)", PAGE), field.name


def test_the_recipe_of_the_page_is_one() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    recipe = tomllib.loads(shown)
    msgspec.convert(recipe["credit"], CreditSettings)
    check(msgspec.convert(recipe["reward"], RewardSettings), RunLimits(turns=40))


def _rows() -> list[str]:
    return [line for line in PAGE.splitlines() if line.startswith("|")]


def _explains(row: str, field: str, variant: str) -> bool:
    """A row of the table of fields, or the variant's own row where fields stand in it."""
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    return (cells[0] == f"`{field}`" and f"`{variant}`" in cells[1]) or (
        cells[0] == f"`{variant}`" and f"`{field}` = " in row
    )
