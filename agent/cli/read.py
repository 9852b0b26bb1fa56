"""`quartermaster read`: a question answered from long documents, through a typed memory (PRISM)."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from agent.model_choice import ModelChoice, open_model
from agent.prism.memory import Memory
from agent.prism.memory_file import MemoryFile
from agent.prism.paths import shown
from agent.prism.reading import Reading, ReadSettings, Saved, read
from agent.prism.texts import read_files
from agent.usage import Usage
from mcp_registry.cli.console import HomeOption, JsonOption, home_of, note, print_json, show, table
from mcp_registry.home import Home

app = typer.Typer()


@app.command(
    name="read",
    epilog="Examples: quartermaster read report.md notes/*.txt --ask 'What was decided about the budget?' | "
    "quartermaster read book.txt --schema timeline --memory book.json --ask 'Who stole the letter?'",
)
def read_command(
    files: Annotated[list[Path], typer.Argument(help="Text, Markdown, HTML, JSON, CSV, logs or code.")],
    ask: Annotated[str, typer.Option("--ask", help="What you want to know.")],
    schema: Annotated[
        str | None,
        typer.Option("--schema", help="The memory's form: one that comes along, or a file with dataclasses."),
    ] = None,
    chunk_tokens: Annotated[int, typer.Option("--chunk-tokens", min=100, help="How much is read at once.")] = 2_000,
    memory_tokens: Annotated[
        int, typer.Option("--memory-tokens", min=200, help="How much of the memory a prompt shows.")
    ] = 8_000,
    form: Annotated[
        str, typer.Option("--form", help="amendments (append-only, for prefix caches) or in-place.")
    ] = "amendments",
    memory: Annotated[
        Path | None, typer.Option("--memory", help="Keep the memory in this file; go on with it if it is there.")
    ] = None,
    show_memory: Annotated[
        bool, typer.Option("--show-memory", help="Print what is remembered, and from where.")
    ] = False,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="A model's name at the endpoint, or local:NAME.")
    ] = None,
    llm_url: Annotated[str | None, typer.Option("--llm-url", help="An OpenAI-compatible endpoint, up to /v1.")] = None,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Answer a question from documents of any length: they are read once, in pieces, into a typed memory.

    Prompts stay short however long the documents are. With --memory a reading that broke off goes on where it stopped,
    and other questions are answered from what was read.
    """
    settings = ReadSettings(
        schema=_schema(schema), chunk_tokens=chunk_tokens, memory_tokens=memory_tokens, form=_form(form)
    )
    texts = read_files(files)
    kept = MemoryFile(memory) if memory else None
    choice = ModelChoice(model=model, url=llm_url)
    reading = asyncio.run(_read(home_of(home), choice, partial(read, texts, ask, settings=settings), kept))
    if json:
        print_json(_as_json(reading))
        return
    typer.echo(reading.answer)
    if show_memory:
        show(_memory_table(reading.memory))
    note(_line(reading))


async def _read(
    home: Home, choice: ModelChoice, reading: Callable[..., Awaitable[Reading]], kept: MemoryFile | None
) -> Reading:
    with _following(kept) as follow:
        async with open_model(home, choice) as llm:
            return await reading(llm=llm, follow=follow)


class _Follow:
    """The file that keeps the memory, and the bar."""

    def __init__(self, kept: MemoryFile | None, bar: Any) -> None:
        self._kept = kept
        self._bar = bar
        self._task = bar.add_task("reading", total=None, spent="")

    def begin(self) -> Saved | None:
        return self._kept.load() if self._kept else None

    def tell(self, saved: Saved, done: int, total: int) -> None:
        if self._kept:
            self._kept.keep(saved)
        self._bar.update(self._task, completed=done, total=total, spent=spent(saved.usage))


@contextmanager
def _following(kept: MemoryFile | None) -> Generator[_Follow]:
    """A bar on stderr with tokens and cost; what was read is in the file when it ends, however it ends."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[spent]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        try:
            yield _Follow(kept, bar)
        finally:
            if kept:
                kept.close()


def spent(usage: Usage) -> str:
    """Tokens and money on one line."""
    cost = f", {usage.cost:.4f} USD" if usage.cost else ""
    return f"{usage.net_encoded:,} tokens encoded, {usage.cached:,} cached, {usage.decoded:,} decoded{cost}"


def _line(reading: Reading) -> str:
    saved = reading.saved
    chunks = sum(saved.read.values())
    left_out = f", {saved.rejected} revisions left out" if saved.rejected else ""
    return (
        f"{chunks} chunks, {len(saved.entries)} revisions{left_out}, longest prompt {reading.peak_tokens:,} tokens; "
        f"{spent(reading.usage)}; schema: {saved.schema_name}"
    )


def _schema(given: str | None) -> str | None:
    """A file's text, or a name as it is."""
    path = Path(given) if given else None
    return path.read_text("utf-8") if path and path.suffix and path.is_file() else given


def _form(given: str) -> Literal["amendments", "in-place"]:
    if given == "amendments" or given == "in-place":
        return given
    raise typer.BadParameter(f"{given!r} is neither amendments nor in-place", param_hint="--form")


def _rows(memory: Memory) -> list[dict[str, Any]]:
    """Every value that stands at the end of a path, with where it is from."""
    rows: list[dict[str, Any]] = []

    def visit(value: Any, path: tuple[str | int, ...]) -> None:
        below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
        if below is not None:
            for key, each in below:
                visit(each, (*path, key))
            return
        by = memory.provenance(path)
        if by is not None:
            rows.append({"path": path, "value": value, "sources": by.sources, "untrusted": by.untrusted})

    visit(memory.value, ())
    return rows


def _memory_table(memory: Memory) -> Any:
    made = table("what", "value", "from")
    for row in _rows(memory):
        made.add_row(shown(row["path"]), str(row["value"]), ", ".join(row["sources"]))
    return made


def _as_json(reading: Reading) -> dict[str, Any]:
    saved = reading.saved
    return {
        "answer": reading.answer,
        "schema": saved.schema,
        "memory": reading.memory.value,
        "provenance": _rows(reading.memory),
        "usage": saved.usage,
        "chunks": sum(saved.read.values()),
        "rejected": saved.rejected,
        "folds": saved.folds,
        "peak_tokens": reading.peak_tokens,
    }
