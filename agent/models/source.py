"""What every way of fetching a model's file has in common: it makes the partial file longer until it is whole."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.errors import ModelError
from agent.models.shelf import Progress, ignore

_SPARE = 64 << 20
"""So much of the disk is left free."""


class SourceFailed(Exception):
    """This source does not give the file now; another may. What has come is kept in the partial file."""


def _silent(_text: str) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who is told how far it is, and in a line what else there is to know."""

    progress: Progress = ignore
    note: Callable[[str], None] = _silent


def check_space(folder: Path, needed: int) -> None:
    """Nothing, where the disk has room for so many bytes more.

    Raises:
        ModelError: it has not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise ModelError(
            f"the disk of {folder} has {_mb(free)} free, and {_mb(needed + _SPARE)} are needed: make room, "
            "or set another state folder with --home"
        )


def size_now(path: Path) -> int:
    """The size of a file, 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def staging_of(partial: Path) -> Path:
    """The folder for wheels, beside a partial file; whoever has the model's lock may empty it."""
    return partial.with_suffix(".wheels")


def cut(path: Path, size: int) -> None:
    """Keep so many bytes of a file's beginning."""
    if path.exists():
        with path.open("r+b") as file:
            file.truncate(size)


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
