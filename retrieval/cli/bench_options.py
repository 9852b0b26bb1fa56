"""Options that the sub-commands of `bench` share, and how their texts become values."""

from pathlib import Path
from typing import Annotated

import typer

from retrieval.embedders import DEFAULT_MODEL, open_embedder
from retrieval.embedding import Embedder
from retrieval.strategies.opened import STRATEGIES

SEED = 20261121

DataOption = Annotated[Path, typer.Option("--data", help="The folder with the labelled data.")]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", help="Write the report, its figures as JSON and its plots there.", show_default=False),
]
PlotsOption = Annotated[bool, typer.Option("--plots/--no-plots", help="Draw PNGs beside the report (needs --out).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the figures as JSON, not the report.")]
WorkOption = Annotated[Path, typer.Option("--work", help="Vectors are kept there: only the first run embeds.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Of everything that is drawn at random.")]
ModelOption = Annotated[
    str, typer.Option("--model", help="The embedding model: the packaged one, a folder, a sentence-transformers name.")
]
ThreadsOption = Annotated[int, typer.Option("--threads", min=0, help="Threads of the model; 0 takes all cores.")]

WORK = Path("~/.cache/quartermaster/bench")
MODEL = DEFAULT_MODEL


def strategy_names(given: list[str] | None, default: tuple[str, ...]) -> list[str]:
    """The strategies to run, each once."""
    names = list(dict.fromkeys(given or default))
    unknown = [name for name in names if name not in STRATEGIES]
    if unknown:
        raise typer.BadParameter(
            f"there is no {', '.join(map(repr, unknown))}; there are {', '.join(STRATEGIES)}",
            param_hint="--strategy",
        )
    return names


def numbers(text: str, option: str) -> tuple[int, ...]:
    """`1,3,5` as whole numbers from 1 on, rising, each once."""
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        found = [0]
    if found[0] < 1:
        raise typer.BadParameter(f"{text!r} is not a list of whole numbers from 1 on, as 1,3,5", param_hint=option)
    return tuple(found)


def embedder_of(model: str, threads: int) -> Embedder:
    """The model that was asked for, opened."""
    return open_embedder(model, threads=threads or None)
