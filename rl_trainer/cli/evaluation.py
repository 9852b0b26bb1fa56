"""`quartermaster train eval`: how often a model solves tasks that it did not learn from."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from rl_trainer.cli.training import pairs_of
from rl_trainer.errors import RecipeWrong
from rl_trainer.recipe import Recipe, read_recipe, recipe_from
from rl_trainer.trajectory import Group

app = typer.Typer()


@app.command(
    epilog="Examples: quartermaster train eval training-laptop --samples 8 | "
    "quartermaster train eval after --against before --json"
)
def evaluate(
    folder: Annotated[Path | None, typer.Argument(help="The folder of a training.")] = None,
    recipe: Annotated[
        str, typer.Option("--recipe", "-r", help="Without a training: a recipe, its model as it is.")
    ] = "",
    checkpoint: Annotated[str, typer.Option("--checkpoint", help="step-NNNNNN in place of the newest.")] = "",
    tasks: Annotated[Path | None, typer.Option("--tasks", help="Other tasks than the recipe's test sets.")] = None,
    samples: Annotated[int, typer.Option("--samples", "-n", min=1, help="Runs a task: pass@k needs at least k.")] = 4,
    most: Annotated[int, typer.Option("--most", min=0, help="Tasks of a set at most; 0 for all.")] = 0,
    against: Annotated[Path | None, typer.Option("--against", help="Another training: the paired difference.")] = None,
    change: Annotated[list[str] | None, typer.Option("--set", help="Change a field of the recipe.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the test sets: pass@1 and pass@k with 95 % intervals, by kind of task; hidden tests only grade."""
    from rl_trainer.opened import need_torch

    need_torch()
    chosen = _recipe(folder, recipe, change or [], tasks)
    found = asyncio.run(_measure(chosen, folder, checkpoint, (samples, most)))
    before = None
    if against is not None:
        before = asyncio.run(_measure(_recipe(against, "", change or [], tasks), against, "", (samples, most)))
    table = {name: _row(groups, before[name] if before else None) for name, groups in found.items()}
    if folder is not None:
        from rl_trainer.run_folder import write_whole

        write_whole(folder / "evaluation.json", msgspec.json.format(msgspec.json.encode(table)))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(table)).decode())
        return
    for name, row in table.items():
        _print(name, row)


async def measure_folder(folder: Path, *, samples: int, most: int = 0) -> dict[str, dict[str, Any]]:
    """The newest weights of a training on its test sets: what `eval --json` prints."""
    recipe = _recipe(folder, "", [], None)
    return {name: _row(groups, None) for name, groups in (await _measure(recipe, folder, "", (samples, most))).items()}


def _recipe(folder: Path | None, named: str, change: list[str], tasks: Path | None) -> Recipe:
    from rl_trainer.run_folder import RunFolder

    if (folder is None) == (not named):
        raise RecipeWrong("name the folder of a training, or --recipe for a model as it is; one of the two")
    changes = pairs_of(change)
    if tasks is not None:
        changes |= {"tasks.source": str(tasks), "tasks.shares": "[0.0, 0.0, 1.0]"}
    if folder is None:
        return read_recipe(named, changes)
    return recipe_from(msgspec.to_builtins(RunFolder(folder).recipe()), changes, str(folder))


async def _measure(
    recipe: Recipe, folder: Path | None, checkpoint: str, size: tuple[int, int]
) -> dict[str, tuple[Group, ...]]:
    """The groups of each test set."""
    from rl_trainer.checkpoint import latest, read
    from rl_trainer.evaluate import evaluate as run_tasks
    from rl_trainer.model.saving import load_weights
    from rl_trainer.opened import task_sets
    from rl_trainer.run_folder import RunFolder
    from rl_trainer.train import open_training
    from rl_trainer.watching.live import open_live_view

    samples, most = size
    found: dict[str, tuple[Group, ...]] = {}
    with open_live_view() as watching:
        async with open_training(recipe, RunFolder(folder or Path()), watching, testing=True) as training:
            if folder is not None:
                saved = read(folder / "checkpoints" / checkpoint) if checkpoint else latest(folder)
                if saved is None:
                    raise RecipeWrong(f"{folder} has no checkpoint yet")
                load_weights(training.model, saved.folder / "model")
                await training.give_weights()
            for name, tasks in task_sets(recipe, testing=True).test.items():
                some = tasks[:most] if most else tasks
                watching.doing(name, len(some) * samples)
                done = await run_tasks(
                    some, training.rig, samples=samples, seed=f"{recipe.seed}/test/{name}", told=watching.rolled
                )
                found[name] = done.groups
    return found


def _row(groups: tuple[Group, ...], before: tuple[Group, ...] | None) -> dict[str, Any]:
    from rl_trainer.evaluate import Evaluation
    from rl_trainer.statistics import paired_interval

    row: dict[str, Any] = dict(Evaluation(groups).values())
    if before is not None:
        old, new = (
            {group.task_id: [float(each.passed) for each in group.trajectories if not each.infra] for group in some}
            for some in (before, groups)
        )
        both = [name for name in new if old.get(name) and new[name]]
        change = paired_interval([old[name] for name in both], [new[name] for name in both])
        row["difference"] = {"mean": change.mean, "low": change.low, "high": change.high, "tasks": len(both)}
    return row


def _print(name: str, row: dict[str, Any]) -> None:
    if not row.get("evaluation/tasks"):
        typer.echo(f"{name}: no task could be graded")
        return
    passes = "  ".join(
        f"{key.partition('/')[2]} {value:.3f}" for key, value in row.items() if key.startswith("evaluation/pass@")
    )
    interval = f"[{row['evaluation/low']:.3f}, {row['evaluation/high']:.3f}]"
    typer.echo(f"{name}: {row['evaluation/tasks']:.0f} tasks  {passes}  95 % of pass@1 {interval}")
    kinds = "  ".join(
        f"{key.partition('/')[2]} {value:.2f}" for key, value in row.items() if key.startswith("success/")
    )
    typer.echo(f"  by kind: {kinds}")
    if change := row.get("difference"):
        typer.echo(f"  against the other: {change['mean']:+.3f} [{change['low']:+.3f}, {change['high']:+.3f}]")
