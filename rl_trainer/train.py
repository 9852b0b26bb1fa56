# pyright: basic, reportMissingImports=false
"""`train`: a recipe from its first stage to its last, from wherever an earlier process left it."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import msgspec

from rl_trainer.checkpoint import Place, Saved, latest
from rl_trainer.dapo import run_dapo
from rl_trainer.errors import CheckpointDamaged, RecipeWrong
from rl_trainer.opened import device_of, environments_for, need_torch, renderer_of, rig_of, task_sets
from rl_trainer.recipe import Recipe
from rl_trainer.rejection import run_rft
from rl_trainer.run_folder import RunFolder
from rl_trainer.stages import DapoStage
from rl_trainer.training import Training, Watching, threads


async def train(recipe: Recipe, out: Path, *, watching: Watching | None = None) -> Place:
    """Train into the folder `out`; where it has checkpoints, go on bit for bit as if nothing had happened.

    Raises:
        TrainingToolsMissing, RecipeWrong, TrainingDataMissing, NoSandbox: before anything is computed.
        RunBusy: another process trains there. CheckpointDamaged: the folder belongs to another recipe.
        SamplingBiased, LearningFailed, EngineFailed: training stopped; the last checkpoint stands.
    """
    need_torch()
    from rl_trainer.step import processes

    folder = RunFolder(out)
    with processes.open_processes(), folder.locked() if processes.rank() == 0 else nullcontext():
        _processes_fit(recipe, processes.world())
        saved = latest(out)
        _same_recipe(folder, recipe, saved)
        async with open_training(recipe, folder, watching or Watching()) as training:
            if saved is not None:
                training.restore(saved)
            else:
                if training.first:
                    training.folder.write_recipe(recipe)
                training.advance(settings=fingerprint(recipe))
                training.save()
            await training.give_weights()  # a server has the base's, or those of before a resume
            await _stages(training, saved)
            return training.place


@asynccontextmanager
async def open_training(
    recipe: Recipe, folder: RunFolder, watching: Watching, *, testing: bool = False
) -> AsyncGenerator[Training]:
    """Model, tasks, worlds and engine, ready for the first stage, or for an evaluation of the test sets."""
    from rl_trainer.model.opening import open_model

    threads(recipe.step)
    sets = task_sets(recipe, testing=testing)
    tests = [task for tasks in sets.test.values() for task in tasks] if testing else []
    everything = [*sets.train, *sets.development, *tests]
    renderer, tokenizer = renderer_of(recipe, everything)
    _quiet()
    model = open_model(recipe.model, device_of(recipe))
    async with _engine(recipe, model) as (policy, publish), AsyncExitStack() as stack:
        environments = await environments_for(everything, recipe, stack)
        yield Training(
            recipe=recipe,
            folder=folder,
            model=model,
            rig=rig_of(recipe, environments, policy, renderer),
            tasks=sets.train,
            development=sets.development,
            watching=watching,
            tokenizer=tokenizer,
            publish=publish,
        )


@asynccontextmanager
async def _engine(recipe: Recipe, model: Any) -> AsyncGenerator[tuple[Any, Any]]:
    """The policy, and what gives it new weights where it lives elsewhere."""
    if recipe.engine.kind == "in-process":
        from rl_trainer.policies.in_process import InProcessPolicy

        engine = InProcessPolicy(
            model, batch=recipe.engine.batch, precision=recipe.step.precision, name=recipe.model.name
        )
        yield engine, None
        return
    from rl_trainer.policies.vllm_weights import open_vllm

    async with open_vllm(recipe.engine, model) as (policy, publish):
        yield policy, publish


def _processes_fit(recipe: Recipe, processes: int) -> None:
    if processes > 1 and not recipe.step.fsdp:
        raise RecipeWrong(f"torchrun started {processes} processes, but step.fsdp is off: each would train by itself")


def _quiet() -> None:
    """A checkpoint every iteration is no news: transformers draws a bar for each."""
    from transformers.utils import logging

    logging.disable_progress_bar()


async def _stages(training: Training, saved: Saved | None) -> None:
    stages = training.recipe.stages
    if training.place.stage >= len(stages):
        return  # it had ended: its last checkpoint stays as it is
    while training.place.stage < len(stages):
        stage = stages[training.place.stage]
        if isinstance(stage, DapoStage):
            await run_dapo(training, stage, saved)
        else:
            await run_rft(training, stage, saved)
        training.mark_stage()
        training.advance(stage=training.place.stage + 1, iteration=0)
    training.save()


def fingerprint(recipe: Recipe) -> str:
    """A hash of what may not change under a training: all but how long its stages are and how often it looks."""
    table: dict[str, Any] = msgspec.to_builtins(recipe)
    for name in ("evaluation", "keep", "about"):
        table.pop(name)
    for stage in table["stages"]:
        stage.pop("iterations")
    return hashlib.sha256(msgspec.json.encode(table, order="deterministic")).hexdigest()[:16]


def _same_recipe(folder: RunFolder, recipe: Recipe, saved: Saved | None) -> None:
    if saved is not None and saved.place.settings != fingerprint(recipe):
        raise CheckpointDamaged(
            f"{folder.path} was begun with another recipe (its recipe.json); go on with that one, or choose "
            "another --out. Only the length of stages and the evaluation may change"
        )
