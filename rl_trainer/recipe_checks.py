"""What settings mean together: a recipe is refused where some of it would do nothing, or fail after the rollouts."""

from typing import TYPE_CHECKING

import msgspec

from rl_trainer.credit.registry import needs
from rl_trainer.errors import RecipeWrong
from rl_trainer.objectives.settings import check as check_objective
from rl_trainer.selection import D3S
from rl_trainer.stages import DapoStage, PoolSettings, Stage

if TYPE_CHECKING:
    from rl_trainer.recipe import Recipe


def check_together(recipe: "Recipe", stage: Stage) -> None:
    """The recipe as this stage has it (`of_stage`).

    Raises:
        RecipeWrong: it names the fields that do not go together.
    """
    recipe.step.check()
    _check_tasks(recipe)
    _check_engine(recipe)
    if isinstance(stage, DapoStage):
        check_objective(recipe.objective, bypass=recipe.engine.old == "rollout", reference=False)
        _check_credit(recipe)
        _check_stage(recipe, stage)


def _check_tasks(recipe: "Recipe") -> None:
    tasks = recipe.tasks
    if tasks.source != "repairs":
        return
    for name, plain in (("format", ""), ("shares", (0.8, 0.1, 0.1)), ("held_out_kinds", ())):
        if getattr(tasks, name) != plain:
            raise RecipeWrong(f"tasks.{name} has no effect with the world repairs, which has test sets of its own")


def _check_engine(recipe: "Recipe") -> None:
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


def _check_credit(recipe: "Recipe") -> None:
    needed, rollout = needs(recipe.credit), recipe.rollout
    name = msgspec.to_builtins(recipe.credit.estimator)["name"]
    if "scores" in needed and rollout.checkpoints == "none":
        raise RecipeWrong(f'credit {name} needs hidden tests run between turns: rollout.checkpoints = "edits"')
    if "values" in needed and rollout.forks is None:
        raise RecipeWrong(f"credit {name} needs continuations of turns: rollout.forks = {{continuations = 4}}")
    if "values" not in needed and rollout.forks is not None:
        raise RecipeWrong(f"rollout.forks has no effect with credit {name}, which takes no values of turns")
    if "entropies" in needed and recipe.engine.kind != "in-process":
        raise RecipeWrong(f"credit {name} needs entropies, which engine {recipe.engine.kind} does not give")
    if recipe.rollout.temperature != recipe.step.temperature:
        raise RecipeWrong(
            f"rollout.temperature is {rollout.temperature:g}, step.temperature {recipe.step.temperature:g}: one must "
            "hold for both, or the ratio is taken between two distributions"
        )


def _check_stage(recipe: "Recipe", stage: DapoStage) -> None:
    if stage.turns is not None and (recipe.engine.fleet or recipe.engine.ahead):
        raise RecipeWrong(
            f"stage {stage.name!r}: turns shrinks T_max between iterations, which a fleet does not follow"
        )
    if recipe.engine.ahead and (stage.length or stage.draw or isinstance(stage.select, D3S)):
        raise RecipeWrong(
            f"stage {stage.name!r}: draw, length and select = d3s go by iterations, which rollouts ahead do not have"
        )
    if stage.draw is not None and (stage.pool != PoolSettings() or stage.carry):
        raise RecipeWrong(
            f"stage {stage.name!r}: draw takes the place of pool and of carry; give pool none and carry 0"
        )
