"""What of a text is shown: numbered lines, and how much there is above and below; pure."""

from collections.abc import Sequence

_LINE = 500


def window(lines: Sequence[str], first: int, size: int) -> str:
    """Lines first to first + size - 1 (from 1), numbered; what is cut is counted.

    Example:
        window(["a", "b", "c"], 2, 1) -> "(1 line above)\\n2: b\\n(1 line below)"
    """
    shown = lines[first - 1 : first - 1 + size]
    parts = [f"({_lines(first - 1)} above)"] if first > 1 else []
    parts += [f"{number}: {cut(line, _LINE)}" for number, line in enumerate(shown, start=first)]
    below = len(lines) - (first - 1) - len(shown)
    parts += [f"({_lines(below)} below)"] if below > 0 else []
    return "\n".join(parts) if lines else "(the file is empty)"


def first_line(line: int, size: int, of: int) -> int:
    """Where a window begins that has a line in its middle, as far as the file reaches."""
    return max(1, min(line - size // 2, of - size + 1))


def cut(text: str, most: int) -> str:
    """The text, or its beginning and end with a note of what is missing between."""
    if len(text) <= most:
        return text
    half = max(1, (most - 40) // 2)
    return f"{text[:half]}... ({len(text) - 2 * half} characters left out) ...{text[-half:]}"


def _lines(number: int) -> str:
    return f"{number} line" if number == 1 else f"{number} lines"
