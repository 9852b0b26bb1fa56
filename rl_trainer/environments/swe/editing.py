"""Changes of texts, and whether they leave Python that can be read; pure."""

import ast
import warnings


class EditRefused(ValueError):
    """A change that cannot be made; the message says what to do instead."""


def lines_of(text: str) -> list[str]:
    """The lines without their ends; a last line that is empty is none."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def edited(text: str, start: int, end: int, new: str) -> str:
    """The text with lines start to end (from 1, both included) replaced; end = start - 1 inserts before start.

    Raises:
        EditRefused: there are no such lines.
    """
    lines = lines_of(text)
    if not 1 <= start <= len(lines) + 1:
        raise EditRefused(f"start is {start}, but the file has lines 1 to {len(lines)}")
    if not start - 1 <= end <= len(lines):
        raise EditRefused(
            f"end is {end}, but lines {start} to {len(lines)} can be replaced; end = {start - 1} inserts before {start}"
        )
    return joined([*lines[: start - 1], *lines_of(new), *lines[end:]])


def joined(lines: list[str]) -> str:
    """Lines as a text that ends with a line's end."""
    return "".join(f"{line}\n" for line in lines)


def replaced(text: str, old: str, new: str, *, everywhere: bool) -> tuple[str, int]:
    """The text with `old` replaced, and the line of the first place.

    Raises:
        EditRefused: it does not occur, or more than once where one place was meant.
    """
    if not old:
        raise EditRefused("old is empty: give the text to replace")
    if old not in text:
        raise EditRefused("the file has no such text: it must be given exactly, with its spaces and line ends")
    places = [text[:place].count("\n") + 1 for place in _places(text, old)]
    if len(places) > 1 and not everywhere:
        shown = ", ".join(map(str, places[:10])) + (", ..." if len(places) > 10 else "")
        raise EditRefused(
            f"the text occurs {len(places)} times, in lines {shown}: give more of what stands around the one that is "
            "meant, or set replace_all"
        )
    return text.replace(old, new), places[0]


def _places(text: str, part: str) -> list[int]:
    found: list[int] = []
    place = text.find(part)
    while place >= 0:
        found.append(place)
        place = text.find(part, place + len(part))
    return found


def syntax_error(text: str) -> str:
    """What is wrong with a Python file, with the line; empty when it can be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"
    return ""
