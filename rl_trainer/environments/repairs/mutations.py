"""Mutations: wrong lines for a slot, by the operator that makes them."""

from collections.abc import Iterator

from rl_trainer.environments.repairs.grammar import LineRefused, parse
from rl_trainer.environments.repairs.specs import Slot

OPERATORS = ("word", "constant", "operator", "variable")
"""word: the line of another word of the slot. constant: a number or a bound of a slice changed. operator: a sign
exchanged. variable: s and x exchanged in one place."""

_SLICES = {"a": ("a[2:]", "a[:-2]"), "a[1:]": ("a[2:]",), "a[:-1]": ("a[:-2]",), "a[::2]": ("a[::3]",)}
_SIGNS = {"+": "-*", "-": "+*", "*": "+-", "<": ">", ">": "<", "==": "<>"}
_NAMES = {"s": "x", "x": "s"}


def mutants(slot: Slot, word: str) -> dict[str, list[str]]:
    """By operator, the wrong lines that it makes of the word's right one.

    Only `word` gives lines of other words: what another operator makes is a line that no spec asks for.
    """
    right = slot.lines[word]
    known = set(slot.lines.values())
    found = {"word": [line for line in slot.lines.values() if line != right]}
    for operator, made in (("constant", _constants), ("operator", _operators), ("variable", _variables)):
        lines = dict.fromkeys(" ".join(words) for words in made(right.split()))
        found[operator] = [line for line in lines if line not in known and _is_line(line)]
    return found


def _constants(words: list[str]) -> Iterator[list[str]]:
    for place, word in enumerate(words):
        if word.isdigit():
            for other in range(int(word) - 1, int(word) + 4):
                if 0 <= other <= 6 and other != int(word):
                    yield _with(words, place, str(other))
        for other in _SLICES.get(word, ()):
            yield _with(words, place, other)


def _operators(words: list[str]) -> Iterator[list[str]]:
    for place, word in enumerate(words):
        for other in _SIGNS.get(word, ""):
            yield _with(words, place, other)


def _variables(words: list[str]) -> Iterator[list[str]]:
    for place, word in enumerate(words):
        if word in _NAMES:
            yield _with(words, place, _NAMES[word])


def _with(words: list[str], place: int, word: str) -> list[str]:
    return [*words[:place], word, *words[place + 1 :]]


def _is_line(line: str) -> bool:
    try:
        parse(line)
    except LineRefused:
        return False
    return True
