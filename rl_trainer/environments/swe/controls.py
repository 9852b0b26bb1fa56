"""Control tests: tests that must fail, put among the real ones. Who makes them pass makes everything pass."""

import random
from collections.abc import Iterable
from dataclasses import dataclass

_LETTERS = "abcdefghijklmnoprstuvw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Controlled:
    """A test file with control tests at its end; ids: theirs, as pytest writes them."""

    text: str
    ids: tuple[str, ...]


def with_controls(path: str, text: str, draw: random.Random) -> Controlled:
    """The file with a class and a function more, whose names and numbers are drawn, so that none is known before."""
    word, other = ("".join(draw.choice(_LETTERS) for _ in range(9)) for _ in range(2))
    left, right = draw.sample(range(10, 1000), 2)
    name = f"Test{word.capitalize()}"
    added = f"""

import unittest as _{word}


class {name}(_{word}.TestCase):
    def test_{word}_equal(self):
        self.assertEqual({left}, {right})

    def test_{word}_true(self):
        self.assertTrue({left} == {right})

    def test_{word}_raises(self):
        with self.assertRaises(ValueError):
            int("{left}")


def test_{other}():
    assert {left} == {right}
"""
    methods = [f"{path}::{name}::test_{word}_{what}" for what in ("equal", "true", "raises")]
    return Controlled(text=text.rstrip("\n") + "\n" + added, ids=(*methods, f"{path}::test_{other}"))


def controlled(tests: dict[str, str], draw: random.Random) -> tuple[dict[str, str], tuple[str, ...]]:
    """Test files with controls, by path, and all ids of the controls."""
    made = {path: with_controls(path, text, draw) for path, text in tests.items()}
    return {path: each.text for path, each in made.items()}, tuple(_flat(each.ids for each in made.values()))


def _flat(lists: Iterable[tuple[str, ...]]) -> list[str]:
    return [id_ for ids in lists for id_ in ids]
