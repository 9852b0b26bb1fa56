"""`Recipe`: a whole training as a file: model, tasks, engine, and the stages one after another."""

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec

from rl_trainer.credit.settings import CreditSettings
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.errors import RecipeWrong
from rl_trainer.fleet.backlog import AheadSettings
from rl_trainer.fleet.fleet import FleetSettings
from rl_trainer.model.settings import ModelSettings
from rl_trainer.objectives.settings import ObjectiveSettings
from rl_trainer.recipe_checks import check_together
from rl_trainer.rewards import RewardSettings
from rl_trainer.rollout_settings import RolloutSettings
from rl_trainer.stages import Stage
from rl_trainer.step.settings import StepSettings


class TaskSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where tasks come from. source: a file, a folder, or "repairs", the small world that needs no file.

    shares: training, development and test tasks; whole groups (an exercise, a repository) go into one of them. most: of
    the training tasks, 0 for all. held_out_kinds: kinds of bug that only the test has.
    """

    source: str
    format: str = ""
    seed: int = 0
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)
    most: int = 0
    held_out_kinds: tuple[str, ...] = ()


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the policy samples. batch: sequences at once (in-process). url, weights: of a vLLM server.

    old: what ratios are taken to: the sampler's own log-probabilities, as in the paper (arXiv 2508.03501, section 4),
    or the trainer's before the update, which leaves the engine's mismatch to truncated importance sampling. drift: the
    largest mean difference between the two, in nats, before training stops. device: cpu, cuda; empty: what there is.
    fleet: workers that roll out, each with worlds of its own; on this machine, or over a cluster's nodes with `ray`.
    ahead: rollouts go on while the trainer learns, so many versions ahead of it at most.
    """

    kind: Literal["in-process", "vllm"] = "in-process"
    batch: int = 256
    url: str = ""
    weights: Literal["lora", "full"] = "full"
    old: Literal["rollout", "trainer"] = "rollout"
    drift: float = 0.05
    device: str = ""
    fleet: FleetSettings | None = None
    ray: bool = False
    ahead: AheadSettings | None = None


class EvaluationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """every: iterations between two evaluations; 0 for none. tasks: at most; 0 for all. samples: runs a task."""

    every: int = 10
    tasks: int = 0
    samples: int = 1


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that decides what a training does; the same recipe and seed give the same weights on one CPU."""

    name: str
    model: ModelSettings
    tasks: TaskSettings
    stages: tuple[Stage, ...]
    seed: int = 0
    about: str = ""
    engine: EngineSettings = EngineSettings()
    swe: SweSettings = SweSettings()
    rollout: RolloutSettings = RolloutSettings()
    reward: RewardSettings = RewardSettings()
    credit: CreditSettings = CreditSettings()
    objective: ObjectiveSettings = ObjectiveSettings()
    step: StepSettings = StepSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    keep: int = 2
    """Checkpoints that stay besides the last of each stage."""


def read_recipe(named: str, changes: Mapping[str, str] | None = None) -> Recipe:
    """The recipe of that file, or the shipped one of that name, with some fields changed (`step.batch` -> "64").

    Raises:
        RecipeWrong: there is none, or what it says cannot be; the message names the field.
    """
    return recipe_from(_table(named), changes or {}, named)


def recipe_from(table: dict[str, Any], changes: Mapping[str, str], named: str = "recipe") -> Recipe:
    """A table of a recipe, checked.

    Raises:
        RecipeWrong: the message names the field.
    """
    table = deepcopy(table)
    for path, value in changes.items():
        _change(table, path, value)
    try:
        recipe = msgspec.convert(table, Recipe, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        raise RecipeWrong(f"{named}: {error}") from error
    names = [stage.name for stage in recipe.stages]
    if len(set(names)) != len(names):
        raise RecipeWrong(f"{named}: stages need names of their own; these are {names}")
    for stage in recipe.stages:
        check_together(of_stage(recipe, stage), stage)
    return recipe


def of_stage(recipe: Recipe, stage: Stage) -> Recipe:
    """The recipe as this stage has it: its own tables over the recipe's.

    Raises:
        RecipeWrong: a table names a field that there is not.
    """
    table = msgspec.to_builtins(recipe)
    for section in ("rollout", "reward", "objective", "step"):
        table[section] = {**table[section], **getattr(stage, section, {})}
    try:
        return msgspec.convert(table, Recipe)
    except msgspec.ValidationError as error:
        raise RecipeWrong(f"stage {stage.name!r}: {error}") from error


def shipped() -> list[str]:
    """The names of the recipes that come with the package."""
    folder = resources.files("rl_trainer") / "recipes"
    return sorted(each.name.removesuffix(".toml") for each in folder.iterdir() if each.name.endswith(".toml"))


def _table(named: str) -> dict[str, Any]:
    file = Path(named)
    if file.is_file():
        text = file.read_text()
    elif named in shipped():
        text = (resources.files("rl_trainer") / "recipes" / f"{named}.toml").read_text()
    else:
        raise RecipeWrong(f"there is no recipe {named!r}: name a TOML file, or one of {', '.join(shipped())}")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeWrong(f"{named} is not TOML: {error}") from error


def _change(table: dict[str, Any], path: str, value: str) -> None:
    """Put one value into the table; numbers, booleans and lists as TOML writes them, anything else as text."""
    *parents, last = path.split(".")
    for parent in parents:
        inner: Any = table.setdefault(parent, {}) if not parent.isdigit() else table[int(parent)]  # type: ignore[index]
        if isinstance(inner, list):
            raise RecipeWrong(f"{path}: {parent} is a list; change it in a copy of the recipe")
        table = inner
    try:
        table[last] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[last] = value
