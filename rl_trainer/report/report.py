"""`Report`: what is known of a run, as data."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rl_trainer.recipe import Recipe
from rl_trainer.report.doubts import missing_of, warnings_of
from rl_trainer.report.shortcut import Shortcut, shortcut_of
from rl_trainer.report.summary import (
    EvaluationRow,
    StageSummary,
    evaluation_rows,
    recipe_in_brief,
    stage_summaries,
)
from rl_trainer.run_folder import Record


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """tests: what `train eval` found on its test sets, by set. missing: what nobody measured."""

    name: str
    recipe: dict[str, str]
    stages: tuple[StageSummary, ...]
    evaluations: tuple[EvaluationRow, ...]
    tests: dict[str, Any]
    shortcut: Shortcut | None
    warnings: tuple[str, ...]
    missing: tuple[str, ...]


def summarise(recipe: Recipe, records: Sequence[Record], tests: dict[str, Any]) -> Report:
    """The report of a run. tests: what `train eval` left, or nothing."""
    stages, evaluations = stage_summaries(recipe, records), evaluation_rows(records)
    return Report(
        name=recipe.name,
        recipe=recipe_in_brief(recipe),
        stages=stages,
        evaluations=evaluations,
        tests=tests,
        shortcut=shortcut_of(records),
        warnings=warnings_of(stages, records),
        missing=missing_of(records, evaluations, tests),
    )
