"""`quartermaster train serve-task`: a task of software engineering as an MCP server."""

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from rl_trainer.environments.swe.server import serve_task as serve
from rl_trainer.environments.swe.server import serve_task_over_http
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.task import NAME
from rl_trainer.errors import RecipeWrong, TaskInvalid
from rl_trainer.task import Task
from rl_trainer.tasks.loading import load_tasks

app = typer.Typer()


@app.command(
    epilog="Examples: quartermaster train serve-task tasks.jsonl.gz --id exbug/wordy/3 --result grade.json | "
    "quartermaster servers add swe -- quartermaster train serve-task tasks.jsonl.gz"
)
def serve_task(
    file: Annotated[Path, typer.Argument(help="Tasks, one a line, in any form that training reads.")],
    id_: Annotated[str | None, typer.Option("--id", help="Which task; the first when not given.")] = None,
    result: Annotated[
        Path | None, typer.Option("--result", help="Where grade and patch are written as JSON at the end.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option("--settings", help="TOML with what shall differ from the defaults.")
    ] = None,
    http: Annotated[int | None, typer.Option("--http", help="Serve at this port of localhost, not on stdio.")] = None,
) -> None:
    """Serve one task's tools (shell, open, edit, ..., submit) over MCP, and grade what was submitted."""
    task, chosen_settings = chosen(file, id_), read_settings(settings)
    if http is None:
        asyncio.run(serve(task, chosen_settings, result=result))
        return

    def told(address: str) -> None:
        typer.echo(f"serving {task.id} at {address}", err=True)

    asyncio.run(serve_task_over_http(task, chosen_settings, result=result, port=http, told=told))


def chosen(file: Path, id_: str | None) -> Task:
    """The task of that id, or the first.

    Raises:
        TaskInvalid: there is none.
    """
    known: list[str] = []
    for task in load_tasks(file):
        if task.environment == NAME and id_ in {None, task.id}:
            return task
        known.append(task.id)
    some = ", ".join(known[:5])
    raise TaskInvalid(f"{file} has no task {id_ or 'of this environment'!r}; it has {len(known)}: {some}")


def read_settings(path: Path | None) -> SweSettings:
    """The default settings with what a file changes of them.

    Raises:
        RecipeWrong: the file cannot be read, or has a key or a value that no settings have.
    """
    if path is None:
        return SweSettings()
    try:
        return msgspec.toml.decode(path.read_bytes(), type=SweSettings)
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise RecipeWrong(f"{path}: {error}; keys: {', '.join(SweSettings.__struct_fields__)}") from error
