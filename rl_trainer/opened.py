# pyright: basic, reportMissingImports=false
"""`open_training`: model, tasks, worlds, engine and renderer as a recipe names them."""

import importlib.util
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_trainer.environment import Environment
from rl_trainer.errors import RecipeWrong, TrainingToolsMissing
from rl_trainer.recipe import Recipe
from rl_trainer.renderer import Renderer
from rl_trainer.rewards import RunLimits, reward_of
from rl_trainer.rollout import Rig
from rl_trainer.task import Task

_NEEDED = ("torch", "transformers", "safetensors")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSets:
    """train: what is learnt from. development: what is looked at meanwhile. test: by name, what is kept for the end."""

    train: tuple[Task, ...]
    development: tuple[Task, ...]
    test: dict[str, tuple[Task, ...]]


def task_sets(recipe: Recipe, *, testing: bool = False) -> TaskSets:
    """The tasks of a recipe, split by groups; held-out kinds of bug stand in a test set of their own.

    testing: it does not matter if none are left to train on.

    Raises:
        TrainingDataMissing: the source is not there. RecipeWrong: nothing is left to train on.
    """
    settings = recipe.tasks
    if settings.source == "repairs":
        return _repairs(recipe)
    from rl_trainer.tasks.loading import load_tasks
    from rl_trainer.tasks.splitting import split

    every = list(load_tasks(settings.source, format=settings.format or None))
    shares: dict[str, float] = dict(zip(("train", "development", "test"), settings.shares, strict=True))
    parts = split(every, seed=settings.seed, shares=shares, held_out=settings.held_out_kinds)
    train = parts["train"][: settings.most] if settings.most else parts["train"]
    if not train and not testing:
        raise RecipeWrong(f"tasks: {settings.source} leaves nothing to train on ({len(every)} tasks, all held out)")
    test = {name: tuple(parts[name]) for name in ("test", "held_out_kinds") if parts.get(name)}
    return TaskSets(train=tuple(train), development=tuple(parts["development"]), test=test)


def _repairs(recipe: Recipe) -> TaskSets:
    from rl_trainer.environments.repairs.tasks import make_tasks

    made = make_tasks(recipe.tasks.seed)
    train = made.train[: recipe.tasks.most] if recipe.tasks.most else made.train
    half = len(made.held_out_specs) // 2
    return TaskSets(
        train=train,
        development=made.held_out_specs[:half],
        test={"held_out_tasks": made.held_out_specs[half:], "held_out_kinds": made.held_out_kinds},
    )


async def environments_for(tasks: Sequence[Task], recipe: Recipe, stack: AsyncExitStack) -> dict[str, Environment]:
    """An environment for every name that the tasks ask for; they last as long as the stack.

    Raises:
        RecipeWrong: there is none of that name. NoSandbox: commands cannot be fenced off on this machine.
    """
    makers: dict[str, Callable[[Recipe, AsyncExitStack], Awaitable[Environment]]] = {
        "repairs": _repair_world,
        "swe": _swe_world,
        "mcp": _mcp_world,
    }
    names = {task.environment for task in tasks}
    if unknown := names - set(makers):
        raise RecipeWrong(f"no environment {', '.join(sorted(unknown))}; there are {', '.join(makers)}")
    return {name: await makers[name](recipe, stack) for name in sorted(names)}


async def _repair_world(recipe: Recipe, stack: AsyncExitStack) -> Environment:
    from rl_trainer.environments.repairs.world import RepairEnvironment

    return RepairEnvironment()


async def _swe_world(recipe: Recipe, stack: AsyncExitStack) -> Environment:
    from rl_trainer.environments.swe.environment import SweEnvironment

    return SweEnvironment(recipe.swe)


async def _mcp_world(recipe: Recipe, stack: AsyncExitStack) -> Environment:
    from rl_trainer.environments.mcp_world.environment import open_mcp

    return await stack.enter_async_context(open_mcp())


def need_torch() -> None:
    """Raises: TrainingToolsMissing: with the command that installs what is missing."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise TrainingToolsMissing(
            f"training needs {', '.join(missing)}, which is not installed: pip install 'quartermaster[train]'"
        )


def device_of(recipe: Recipe) -> str:
    """What the model computes on: as the recipe says, or the best that there is."""
    import torch

    return recipe.engine.device or ("cuda" if torch.cuda.is_available() else "cpu")


def renderer_of(recipe: Recipe, tasks: Sequence[Task]) -> tuple[Renderer, Any]:
    """How conversations become ids, and the tokenizer where it has one."""
    if any(task.environment == "repairs" for task in tasks):
        from rl_trainer.environments.repairs.renderer import RepairRenderer

        return RepairRenderer(), None
    from rl_trainer.chat_renderer import open_tokenizer, renderer_for

    tokenizer = open_tokenizer(recipe.model.name)
    return renderer_for(tokenizer), tokenizer


def rig_of(recipe: Recipe, environments: dict[str, Environment], policy: Any, renderer: Renderer) -> Rig:
    """What rollouts share."""
    return Rig(
        environments=environments,
        policy=policy,
        renderer=renderer,
        reward=reward_of(recipe.reward, RunLimits(turns=recipe.rollout.turns)),
        settings=recipe.rollout,
    )


def folder_named(out: Path | None, recipe: Recipe) -> Path:
    """Where a training goes when nobody says."""
    return out or Path(f"training-{recipe.name}")
