"""Runs a program of this world: statements from the grammar are interpreted, never handed to Python."""

from collections.abc import Sequence
from functools import lru_cache

from rl_trainer.environments.repairs.grammar import Assign, Head, LineRefused, Loop, Return, Statement, Test, parse

INDENTS = (0, 1, 1, 2, 3, 1)
"""How deep each line stands. Lines keep their place, whatever is written into them."""

_MOST_STEPS = 1_000
_MOST_VALUE = 10**9
_Block = tuple[tuple[Statement, "_Block"], ...]
_SLICES = {
    "a": slice(None),
    "a[1:]": slice(1, None),
    "a[:-1]": slice(None, -1),
    "a[::2]": slice(None, None, 2),
    "a[2:]": slice(2, None),
    "a[:-2]": slice(None, -2),
    "a[::3]": slice(None, None, 3),
}


class ProgramFailed(Exception):
    """The program cannot be run, or fails while it runs."""


class _Returned(Exception):
    def __init__(self, value: int) -> None:
        super().__init__()
        self.value = value


@lru_cache(maxsize=65_536)
def results(lines: tuple[str, ...], inputs: tuple[tuple[int, ...], ...]) -> tuple[int | None, ...]:
    """What the program gives for each input; None where it fails: no value, an unknown name, too many steps."""
    try:
        block = compiled(lines)
    except ProgramFailed:
        return (None,) * len(inputs)
    return tuple(_result(block, each) for each in inputs)


def compiled(lines: Sequence[str]) -> _Block:
    """The program's statements as a tree.

    Raises:
        ProgramFailed: a line is not in the grammar, or a block has no body or one that it cannot have.
    """
    try:
        statements = [parse(line) for line in lines]
    except LineRefused as error:
        raise ProgramFailed(str(error)) from error
    if len(lines) != len(INDENTS) or not isinstance(statements[0], Head) or Head() in statements[1:]:
        raise ProgramFailed("a program is one function of six lines")
    block, end = _block(statements, 1, 1)
    if end != len(statements):
        raise ProgramFailed(f"line {end + 1} is indented, but nothing before it opens a block")
    return block


def _block(statements: Sequence[Statement], start: int, depth: int) -> tuple[_Block, int]:
    """The statements from `start` that stand this deep, with what belongs to them; and the line after them."""
    found: list[tuple[Statement, _Block]] = []
    place = start
    while place < len(statements) and INDENTS[place] == depth:
        statement = statements[place]
        body: _Block = ()
        place += 1
        if isinstance(statement, Loop | Test):
            body, place = _block(statements, place, depth + 1)
            if not body:
                raise ProgramFailed(f"line {place} opens a block that has no body")
        found.append((statement, body))
    return tuple(found), place


def _result(block: _Block, given: tuple[int, ...]) -> int | None:
    try:
        _Run(given).block(block)
    except _Returned as returned:
        return returned.value
    except ProgramFailed:
        return None
    return None


class _Run:
    """One run on one input: its names, and how many steps it has taken."""

    def __init__(self, given: tuple[int, ...]) -> None:
        self._given = given
        self._names: dict[str, int] = {}
        self._steps = 0

    def block(self, block: _Block) -> None:
        for statement, body in block:
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise ProgramFailed("too many steps")
            match statement:
                case Assign(name, left, operator, right):
                    self._names[name] = self._value(left, operator, right)
                case Loop(name, over):
                    for each in self._given[_SLICES[over]]:
                        self._names[name] = each
                        self.block(body)
                case Test():
                    if self._holds(statement):
                        self.block(body)
                case Return(left, operator, right):
                    raise _Returned(self._value(left, operator, right))
                case Head():
                    raise ProgramFailed("a function within a function")

    def _holds(self, test: Test) -> bool:
        left, right = self._atom(test.left), self._atom(test.right)
        if test.modulus:
            modulus = self._atom(test.modulus)
            if modulus == 0:
                raise ProgramFailed("division by zero")
            left %= modulus
        return left < right if test.comparison == "<" else left > right if test.comparison == ">" else left == right

    def _value(self, left: str, operator: str, right: str) -> int:
        if not operator:
            return self._atom(left)
        first, second = self._atom(left) if left else 0, self._atom(right)
        value = first + second if operator == "+" else first - second if operator == "-" else first * second
        if abs(value) > _MOST_VALUE:
            raise ProgramFailed("a number became too large")
        return value

    def _atom(self, word: str) -> int:
        if word in "sx":
            if word not in self._names:
                raise ProgramFailed(f"{word} has no value yet")
            return self._names[word]
        return int(word)
