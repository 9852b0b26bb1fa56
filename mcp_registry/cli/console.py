"""What the sub-commands share: where the state lies, how results are printed, progress on stderr."""

import os
import sys
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from mcp_registry.home import VARIABLE, Home, find_home
from retrieval.vector_store import Progress

HomeOption = Annotated[Path | None, typer.Option("--home", help="The folder that holds all state.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def home_of(path: Path | None) -> Home:
    """The state folder: `--home` here, else before the sub-command, else QUARTERMASTER_HOME, else the default."""
    if path is not None:
        os.environ[VARIABLE] = str(path)
    return find_home()


def print_json(value: Any) -> None:
    """JSON on stdout, indented, keys as they come."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def note(text: str) -> None:
    """A line for the person at the terminal, on stderr: stdout is for results."""
    typer.echo(text, err=True)


def embedding_progress() -> AbstractContextManager[Progress]:
    """A bar on stderr while new texts are embedded."""
    return working("embedding new texts")


@contextmanager
def working(label: str) -> Generator[Progress]:
    """A bar on stderr for work that takes a while; it shows itself only when there is something to do."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(label, total=None, visible=False)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        yield tell


def table(*headers: str) -> Any:
    """An empty table with these columns."""
    from rich.box import SIMPLE
    from rich.table import Table

    made = Table(box=SIMPLE, pad_edge=False)
    for header in headers:
        made.add_column(header, overflow="fold")
    return made


def show(renderable: Any) -> None:
    """A table or a text on stdout; plain when stdout is not a terminal."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 160).print(renderable)
