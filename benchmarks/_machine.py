"""What every benchmark prints: on which machine it ran, and tables of what it measured."""

import math
import os
import platform
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
"""The full sets of tools, queries and servers, where a checkout has them beside it."""


def machine_line() -> str:
    """The machine and the day, on one line: no figure means anything without it."""
    load = os.getloadavg()[0]
    python = f"Python {platform.python_version()}"
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return f"{os.cpu_count()} cores, {_model()}, {python}, {platform.system()}, {today}; load {load:.1f} at the start"


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all values do not exceed: nearest rank, no interpolation. NaN when there are none."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def milliseconds(seconds: float) -> str:
    """Seconds as milliseconds, with as many digits as say something."""
    value = seconds * 1000
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; columns of numbers stand to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(header), *(len(row[i]) for row in texts), 3) for i, header in enumerate(headers)]
    right = [all(_is_number(row[i]) for row in texts) for i in range(len(headers))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(cells, widths, right, strict=True)
        ]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * (width - 1) + (":" if to_right else "-") for width, to_right in zip(widths, right, strict=True)]
    return "\n".join([line(headers), line(rule), *(line(row) for row in texts)])


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "").strip("-+~x%").isdigit() or text in {"", "-", "nan"}


@contextmanager
def stopwatch() -> "Generator[Stopwatch]":
    """Seconds since it was started; what it says stops growing when the block ends."""
    watch = Stopwatch()
    try:
        yield watch
    finally:
        watch.stop()


class Stopwatch:
    """Made running."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._end: float | None = None

    @property
    def seconds(self) -> float:
        return (self._end or time.perf_counter()) - self._start

    def stop(self) -> None:
        self._end = time.perf_counter()
