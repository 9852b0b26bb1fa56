"""Where the results of `bench` go: figures to stdout, a report to a folder."""

from pathlib import Path
from typing import Any

import msgspec
import typer

from retrieval.cli.progress import note


def print_figures(figures: Any) -> None:
    """JSON on stdout, indented."""
    typer.echo(_json(figures))


def write_report(folder: Path, name: str, text: str, figures: Any) -> None:
    """NAME.md and NAME.json in a folder that is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(text, "utf-8")
    (folder / f"{name}.json").write_text(_json(figures) + "\n", "utf-8")
    note(f"written: {folder / name}.md")


def _json(figures: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(figures), indent=2).decode()
