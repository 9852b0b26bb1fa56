"""`quartermaster train rft|dapo|run|recipes`: stages of a recipe, resumable at any moment."""

import asyncio
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from rl_trainer.errors import RecipeWrong
from rl_trainer.recipe import Recipe, read_recipe, recipe_from, shipped
from rl_trainer.stages import DapoStage, RftStage

RecipeOption = Annotated[str, typer.Option("--recipe", "-r", help="A TOML file, or the name of a shipped recipe.")]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", help="The folder of the training; run again to go on.", show_default="training-NAME"),
]
FromOption = Annotated[
    Path | None, typer.Option("--from", help="Begin with the weights of this training, or of this model folder.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Change a field of the recipe, e.g. step.batch=64; repeatable.")
]
TasksOption = Annotated[Path | None, typer.Option("--tasks", help="Tasks to learn from, in place of the recipe's.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def rft(
    recipe: RecipeOption = "laptop",
    out: OutOption = None,
    start: FromOption = None,
    tasks: TasksOption = None,
    runs: Annotated[Path | None, typer.Option("--runs", help="Learn from these runs (train import-runs).")] = None,
    change: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rejection fine-tuning: make runs, learn those that pass; or learn from runs that were recorded."""
    chosen = _recipe(recipe, change, start, tasks)
    stages = [stage for stage in chosen.stages if isinstance(stage, RftStage)] or [RftStage(name="rft")]
    if runs is not None:
        stages = [msgspec.structs.replace(stages[0], from_file=str(runs), expert=0.0)]
    _train(msgspec.structs.replace(chosen, stages=tuple(stages)), out, as_json)


def dapo(
    recipe: RecipeOption = "laptop",
    out: OutOption = None,
    start: FromOption = None,
    tasks: TasksOption = None,
    iterations: Annotated[int | None, typer.Option("--iterations", min=1, help="Of every stage.")] = None,
    change: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reinforcement learning: the DAPO stages of a recipe. Give --from what rejection fine-tuning has made."""
    chosen = _recipe(recipe, change, start, tasks)
    stages = [stage for stage in chosen.stages if isinstance(stage, DapoStage)]
    if not stages:
        raise RecipeWrong(f"recipe {recipe!r} has no stage of kind dapo")
    stages = [msgspec.structs.replace(stage, iterations=iterations or stage.iterations) for stage in stages]
    _train(msgspec.structs.replace(chosen, stages=tuple(stages)), out, as_json)


def run(
    recipe: RecipeOption = "laptop",
    out: OutOption = None,
    start: FromOption = None,
    tasks: TasksOption = None,
    change: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """All stages of a recipe, one after the other."""
    _train(_recipe(recipe, change, start, tasks), out, as_json)


def recipes(
    name: Annotated[str, typer.Argument(help="Print this one.", show_default=False)] = "", as_json: JsonOption = False
) -> None:
    """List the recipes that come with the package, or print one: a file to copy and change."""
    if name and name not in shipped():
        raise RecipeWrong(f"no recipe {name!r} is shipped; there are {', '.join(shipped())}")
    if name and not as_json:
        typer.echo((resources.files("rl_trainer") / "recipes" / f"{name}.toml").read_text(), nl=False)
        return
    found = [read_recipe(each) for each in ([name] if name else shipped())]
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    for each in found:
        typer.echo(f"{each.name:16} {each.about}  [{', '.join(stage.name for stage in each.stages)}]")


def _recipe(named: str, change: list[str] | None, start: Path | None, tasks: Path | None) -> Recipe:
    recipe = read_recipe(named, pairs_of(change or []))
    table: dict[str, Any] = msgspec.to_builtins(recipe)
    if start is not None:
        table["model"] = {**table["model"], "name": str(weights_of(start)), "scratch": None}
    if tasks is not None:
        table["tasks"] = {**table["tasks"], "source": str(tasks)}
    return recipe_from(table, {}, named)


def pairs_of(change: list[str]) -> dict[str, str]:
    """Changes written as FIELD=VALUE, by field.

    Raises:
        RecipeWrong: one has no `=`.
    """
    pairs = [text.partition("=") for text in change]
    for name, equals, _ in pairs:
        if not equals:
            raise RecipeWrong(f"{name!r} is not FIELD=VALUE, as in step.batch=64")
    return {name.strip(): value.strip() for name, _, value in pairs}


def weights_of(start: Path) -> Path:
    """The model folder of a training's newest checkpoint, or the folder itself.

    Raises:
        RecipeWrong: there are no weights.
    """
    from rl_trainer.checkpoint import latest

    saved = latest(start)
    folder = start if saved is None else saved.folder / "model"
    if (folder / "adapter_config.json").is_file():
        raise RecipeWrong(f"{folder} has adapters only: `quartermaster train export {start} --out MODEL` merges them")
    if not (folder / "config.json").is_file():
        raise RecipeWrong(f"{start} is neither the folder of a training nor that of a model (no config.json)")
    return folder


def _train(recipe: Recipe, out: Path | None, as_json: bool) -> None:
    from rl_trainer.opened import folder_named, need_torch

    need_torch()
    from rl_trainer.report.writing import write_report
    from rl_trainer.train import train
    from rl_trainer.watching.opening import open_watching

    folder = folder_named(out, recipe)
    with open_watching(folder) as watching:
        place = asyncio.run(train(recipe, folder, watching=watching))
    report = write_report(folder)
    if as_json:
        table = {"folder": str(folder), "report": str(report), **msgspec.to_builtins(place)}
        typer.echo(msgspec.json.format(msgspec.json.encode(table)).decode())
        return
    typer.echo(f"{folder}: {place.step} optimiser steps, {place.rollouts:,} rollouts, {place.tokens:,} trained tokens")
    typer.echo(f"report: {report}")
    typer.echo(f"next: quartermaster train eval {folder} | quartermaster train inspect {folder} --out page.html")


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "rft": (rft, "Examples: quartermaster train rft | quartermaster train rft --runs good-runs.jsonl --out tuned"),
    "dapo": (dapo, "Examples: quartermaster train dapo --from training-laptop | quartermaster train dapo -r mine.toml"),
    "run": (run, "Examples: quartermaster train run | quartermaster train run -r laptop --set step.batch=64 --out try"),
    "recipes": (recipes, "Examples: quartermaster train recipes | quartermaster train recipes laptop > mine.toml"),
}
"""The functions of this module as commands, with the last line of their help."""
