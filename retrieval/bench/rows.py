"""JSON Lines files, plain or gzipped, read row by row; whatever is wrong names its file and line."""

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from retrieval.errors import LabelledDataWrong

Row = TypeVar("Row", bound=msgspec.Struct)


def read_rows(path: Path, kind: type[Row]) -> Iterator[tuple[str, Row]]:
    """Each row with its place (`file, line 7`); empty lines are passed over, fields that `kind` lacks ignored.

    Raises:
        LabelledDataWrong: a line is not JSON, or not such a row.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    place = f"{path}, line {number}"
                    yield place, _row(line, kind, place)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise LabelledDataWrong(f"{path} cannot be read: {error}") from error


def find_file(name: str, folders: Sequence[Path]) -> Path | None:
    """The first `name` or `name.gz` in the folders."""
    candidates = (folder / f"{name}{ending}" for folder in folders for ending in ("", ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def _row(line: str, kind: type[Row], place: str) -> Row:
    try:
        return msgspec.convert(json.loads(line), kind)
    except ValueError as error:  # msgspec's own are ValueErrors too
        raise LabelledDataWrong(f"{place}: {error}") from error
