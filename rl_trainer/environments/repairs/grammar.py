"""The closed grammar of a line: what may stand in a program of this world. Nothing else is ever run."""

import re
from dataclasses import dataclass
from functools import lru_cache

SLICES = ("a", "a[1:]", "a[:-1]", "a[::2]", "a[2:]", "a[:-2]", "a[::3]")
HEAD = "def f(a):"
_TOKEN = re.compile(r"a\[[^\]]*\]|f\(a\)|[A-Za-z_]+|\d+|==|\S")
_NAMES = frozenset({"s", "x"})
_OPENS = frozenset({"for", "if"})
_MOST_CHARACTERS = 60


class LineRefused(ValueError):
    """A line that is not in the grammar."""


@dataclass(frozen=True, slots=True)
class Head:
    """`def f(a):`"""


@dataclass(frozen=True, slots=True)
class Assign:
    """`NAME = LEFT OP RIGHT`; without an operator there is no right side."""

    name: str
    left: str
    operator: str = ""
    right: str = ""


@dataclass(frozen=True, slots=True)
class Loop:
    """`for NAME in SLICE:`"""

    name: str
    over: str


@dataclass(frozen=True, slots=True)
class Test:
    """`if LEFT % MODULUS COMPARISON RIGHT:`; without a modulus the left side stands alone."""

    left: str
    modulus: str
    comparison: str
    right: str


@dataclass(frozen=True, slots=True)
class Return:
    """`return LEFT OP RIGHT`; a minus without a left side negates."""

    left: str
    operator: str = ""
    right: str = ""


Statement = Head | Assign | Loop | Test | Return


def words_of(line: str) -> tuple[str, ...]:
    """The line's tokens: names, numbers, signs, and a slice as one. The last colon may be left out."""
    words = tuple(_TOKEN.findall(line))
    return (*words, ":") if words and words[0] in _OPENS and words[-1] != ":" else words


def canonical(line: str) -> str:
    """The line with one space between its tokens: the same text for the same statement."""
    words = words_of(line)
    return HEAD if words == ("def", "f(a)", ":") else " ".join(words)


@lru_cache(maxsize=16_384)
def parse(line: str) -> Statement:
    """The line's statement.

    Raises:
        LineRefused: it is not in the grammar.
    """
    words = words_of(line) if len(line) <= _MOST_CHARACTERS else ()
    found = _simple(words) or _block(words)
    if found is None:
        raise LineRefused(f"{line[:_MOST_CHARACTERS]!r} is no line of this language")
    return found


def _simple(words: tuple[str, ...]) -> Statement | None:
    match words:
        case ("def", "f(a)", ":"):
            return Head()
        case (name, "=", *rest) if name in _NAMES and (value := _value(rest)):
            return Assign(name, *value)
        case ("return", *rest) if value := _value(rest):
            return Return(*value)
        case _:
            return None


def _block(words: tuple[str, ...]) -> Statement | None:
    match words:
        case ("for", name, "in", over, ":") if name in _NAMES and over in SLICES:
            return Loop(name, over)
        case ("if", left, ("<" | ">" | "==") as sign, right, ":") if _atoms(left, right):
            return Test(left, "", sign, right)
        case ("if", left, "%", modulus, ("<" | ">" | "==") as sign, right, ":") if _atoms(left, modulus, right):
            return Test(left, modulus, sign, right)
        case _:
            return None


def _value(words: list[str]) -> tuple[str, str, str] | None:
    match words:
        case [left] if _atoms(left):
            return left, "", ""
        case ["-", right] if _atoms(right):
            return "", "-", right
        case [left, ("+" | "-" | "*") as operator, right] if _atoms(left, right):
            return left, operator, right
        case _:
            return None


def _atoms(*words: str) -> bool:
    return all(word in _NAMES or (len(word) == 1 and word in "0123456789") for word in words)
