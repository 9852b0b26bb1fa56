"""`quartermaster retrieval train`: the embedding model learns what tools are asked for."""

import importlib.util
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from rl_trainer.embedder.recipe import Recipe
from rl_trainer.embedder.train import Progress, base_folder
from rl_trainer.embedder.train import train as train_embedder
from rl_trainer.errors import RecipeWrong, TrainingToolsMissing

app = typer.Typer()

_NEEDED = ("torch", "transformers", "onnx")


@app.command(
    epilog="Examples: quartermaster retrieval train --data labelled --out my-embedder | "
    "quartermaster retrieval train --data labelled --epochs 1 --base ./minilm"
)
def train(
    data: Annotated[Path, typer.Option("--data", help="The folder with the labelled sets (docs/training.md).")],
    out: Annotated[Path, typer.Option("--out", help="The model folder to make; run again to go on.")] = Path(
        "tools-embedder"
    ),
    base: Annotated[
        str | None, typer.Option("--base", help="The network to start from: a folder, or a name on the hub.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option("--recipe", help="JSON with what shall differ from the default recipe.")
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Over the recipe's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fine-tune the embedding model on labelled queries; resumable, reproducible, an int8 model folder at the end."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise TrainingToolsMissing(
            f"training needs {', '.join(missing)}, which is not installed: pip install 'quartermaster[train]'"
        )
    chosen = read_recipe(recipe)
    if epochs is not None:
        chosen = msgspec.structs.replace(chosen, epochs=epochs)
    with _bar() as progress:
        results = train_embedder(data, out, chosen, base=base_folder(base), progress=progress)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode({"out": str(out), "measured": results})).decode())
        return
    typer.echo(f"{out}: a model folder. Use it: QUARTERMASTER_RETRIEVAL_MODEL={out}")
    typer.echo("vectors alone, on queries whose tools were never learnt of, before and after:")
    for name, found in results.items():
        before, after = found["before"], found["after"]
        typer.echo(
            f"  {name:16} Recall@5 {before['recall@5']:.3f} -> {after['recall@5']:.3f}   "
            f"nDCG@10 {before['ndcg@10']:.3f} -> {after['ndcg@10']:.3f}   ({after['queries']} queries)"
        )


def read_recipe(path: Path | None) -> Recipe:
    """The default recipe with what a file changes of it.

    Raises:
        RecipeWrong: the file cannot be read, or has a key or a value that no recipe has.
    """
    if path is None:
        return Recipe()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Recipe)
    except (OSError, msgspec.DecodeError) as error:
        raise RecipeWrong(f"{path}: {error}; keys: {', '.join(Recipe.__struct_fields__)}") from error


@contextmanager
def _bar() -> Generator[Progress]:
    """Bars on stderr, one a part; where nobody watches, a line now and then."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    watched = sys.stderr.isatty()
    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    tasks: dict[str, Any] = {}
    with Progress(*columns, console=Console(stderr=True), disable=not watched) as bar:

        def tell(part: str, done: int, of: int, note: str) -> None:
            if part not in tasks:
                tasks[part] = bar.add_task(part, total=of, note=note)
            bar.update(tasks[part], completed=done, total=of, note=note)
            if not watched and (done == of or done % 50 == 0):
                typer.echo(f"{part} {done}/{of} {note}".rstrip(), err=True)

        yield tell
