"""Markdown tables that can be read as plain text too."""

from collections.abc import Sequence

from retrieval.metrics import Interval


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns are as wide as their widest cell."""
    widths = [max(len(line[column]) for line in (headers, *rows)) for column in range(len(headers))]
    lines = [headers, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def shown(interval: Interval) -> str:
    """`0.512 (0.480 to 0.541)`."""
    return f"{interval.mean:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def shown_difference(interval: Interval) -> str:
    """The same with signs; a star where the interval does not hold 0."""
    star = " *" if interval.low > 0 or interval.high < 0 else ""
    return f"{interval.mean:+.3f} ({interval.low:+.3f} to {interval.high:+.3f}){star}"
