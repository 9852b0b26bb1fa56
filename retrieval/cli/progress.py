"""Progress on stderr: a bar where a person watches, a line at the end of each step where nobody does."""

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import typer

from retrieval.embedding import Embedder, TextKind, Vectors


def note(text: str) -> None:
    """A line for the person at the terminal; stdout is for results."""
    typer.echo(text, err=True)


@contextmanager
def step(label: str, total: int | None = None) -> Generator[Callable[[int], None]]:
    """One step of a long run; what it yields is told how much is done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    watched = sys.stderr.isatty()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not watched) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)
    note(f"{label}: done")


class ToldEmbedder:
    """An embedder that tells how many documents it has embedded: the first run over a large set takes minutes."""

    def __init__(self, embedder: Embedder, tell: Callable[[int], None]) -> None:
        self._embedder = embedder
        self._tell = tell
        self._done = 0

    @property
    def id(self) -> str:
        return self._embedder.id

    @property
    def dim(self) -> int:
        return self._embedder.dim

    def embed(
        self, texts: Sequence[str], *, kind: TextKind = "document", progress: Callable[[int], None] | None = None
    ) -> Vectors:
        """The other embedder's vectors."""
        vectors = self._embedder.embed(texts, kind=kind, progress=progress)
        if kind == "document":
            self._done += len(texts)
            self._tell(self._done)
        return vectors
