"""`Recipe`: a whole training as a file: model, tasks, engine, and the stages one after another."""

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec

from rl_trainer.budgets import Annealed, LengthReward
from rl_trainer.credit.registry import needs
from rl_trainer.credit.settings import CreditSettings
from rl_trainer.curriculum import ChoiceSettings
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.errors import RecipeWrong
from rl_trainer.fleet.backlog import AheadSettings
from rl_trainer.fleet.fleet import FleetSettings
from rl_trainer.model.settings import ModelSettings
from rl_trainer.objectives.settings import ObjectiveSettings
from rl_trainer.objectives.settings import check as check_objective
from rl_trainer.rewards import RewardSettings
from rl_trainer.rollout_settings import RolloutSettings
from rl_trainer.selection import D3S, Pods
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


class PoolSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tasks a stage draws: those solved in less than `below` of the runs so far, and at least once if `solved`.

    The paper's second stage has below = 2/3 and solved = true (arXiv 2508.03501, section 4). Tasks that were never
    tried stay where `untried` says so.
    """

    below: float = 1.0
    solved: bool = False
    untried: bool = True


class RftStage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="rft"):
    """Rejection fine-tuning: learn what passed. from_file: groups to learn from (`train import-runs`); without one,
    `samples` runs of each of `tasks` tasks are made (0: all) with the model as it is. expert: by the scripted expert
    instead, of the small world or of SWE tasks: how often its edit is right; of SWE tasks the first one, for it mends
    what the tests then show. most_each: passing runs kept of one task. only_passing: False learns from runs that failed
    too, for a first taste of how to act at all. iterations: how often this is done anew, with what the model has
    become. steps: optimiser steps of one, at most (0: as many as the epochs give). rollout, step: what differs in this
    stage from the recipe's own tables.
    """

    name: str
    from_file: str = ""
    expert: float = 0.0
    tasks: int = 0
    samples: int = 10
    most_each: int = 4
    only_passing: bool = True
    epochs: int = 1
    steps: int = 0
    iterations: int = 1
    mask_malformed: bool = True
    rollout: dict[str, Any] = {}
    step: dict[str, Any] = {}


class DapoStage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="dapo"):
    """RL on groups. problems: tasks an iteration. generations: how often at most tasks are drawn for one of them until
    `problems` groups teach something; 1 switches refilling off. carry: iterations that a surplus group is kept.
    drop: groups without variance are left out of the step (False: they count in its denominators, as in plain GRPO).
    rollouts: the stage ends when the training has made so many, however many iterations are left; 0 for no such end.
    updates: optimiser steps an iteration at most; 0: as many as step.batch gives. draw: tasks by how hard they have
    been (rl_trainer/curriculum.py); without it round by round. select: what of a batch is learnt from
    (rl_trainer/selection.py). turns: T_max, shrinking (rl_trainer/budgets.py). length: a reward for keeping to a
    budget. Other fields: what differs in this stage from the recipe's own tables.
    """

    name: str
    iterations: int
    problems: int = 8
    generations: int = 4
    carry: int = 2
    drop: bool = True
    rollouts: int = 0
    updates: int = 0
    pool: PoolSettings = PoolSettings()
    draw: ChoiceSettings | None = None
    select: D3S | Pods | None = None
    turns: Annealed | None = None
    length: LengthReward | None = None
    rollout: dict[str, Any] = {}
    reward: dict[str, Any] = {}
    objective: dict[str, Any] = {}
    step: dict[str, Any] = {}


Stage = RftStage | DapoStage


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
        _check(of_stage(recipe, stage), stage)
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


def _check(recipe: Recipe, stage: Stage) -> None:
    """Refuse what would do nothing, or fail only after the rollouts.

    Raises:
        RecipeWrong: it names the fields that do not go together.
    """
    recipe.step.check()
    engine = recipe.engine
    if engine.kind == "in-process" and (engine.fleet or engine.ray or engine.ahead or engine.url):
        raise RecipeWrong(
            "engine.fleet, ray, ahead and url have no effect with engine.kind in-process: it samples here, in turns "
            'with learning; a vLLM server (kind = "vllm") is asked from anywhere'
        )
    if engine.kind == "in-process" and recipe.step.fsdp:
        raise RecipeWrong('step.fsdp shards the model over processes, so none can sample from it: engine.kind = "vllm"')
    if engine.ray and engine.fleet is None:
        raise RecipeWrong("engine.ray has no effect without engine.fleet, which says how many workers there are")
    if not isinstance(stage, DapoStage):
        return
    check_objective(recipe.objective, bypass=recipe.engine.old == "rollout", reference=False)
    needed, rollout = needs(recipe.credit), recipe.rollout
    name = msgspec.to_builtins(recipe.credit.estimator)["name"]
    if "scores" in needed and rollout.checkpoints == "none":
        raise RecipeWrong(f'credit {name} needs hidden tests run between turns: rollout.checkpoints = "edits"')
    if "values" in needed and rollout.forks is None:
        raise RecipeWrong(f"credit {name} needs continuations of turns: rollout.forks = {{continuations = 4}}")
    if "values" not in needed and rollout.forks is not None:
        raise RecipeWrong(f"rollout.forks has no effect with credit {name}, which takes no values of turns")
    if stage.draw is not None and (stage.pool != PoolSettings() or stage.carry):
        raise RecipeWrong(
            f"stage {stage.name!r}: draw takes the place of pool and of carry; give pool none and carry 0"
        )
    if "entropies" in needed and recipe.engine.kind != "in-process":
        raise RecipeWrong(f"credit {name} needs entropies, which engine {recipe.engine.kind} does not give")
    if recipe.rollout.temperature != recipe.step.temperature:
        raise RecipeWrong(
            f"rollout.temperature is {rollout.temperature:g}, step.temperature {recipe.step.temperature:g}: one must "
            "hold for both, or the ratio is taken between two distributions"
        )


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
