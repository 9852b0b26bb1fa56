"""Control tests: tests that must fail, put among the real ones. Who makes them pass makes everything pass."""

import random
from collections.abc import Iterable
from dataclasses import dataclass

_WORDS = (
    *("account", "balance", "between", "border", "bottom", "bracket", "capital", "cluster", "column", "common"),
    *("corner", "counter", "cycle", "deep", "default", "delayed", "dense", "distant", "double", "earlier"),
    *("evening", "exact", "fallback", "final", "fraction", "grouped", "growing", "header", "inner", "interval"),
    *("joined", "larger", "leading", "limit", "literal", "lower", "margin", "middle", "minimal", "missing"),
    *("mixed", "narrow", "nested", "neutral", "outer", "overlap", "padded", "pairs", "partial", "pattern"),
    *("plain", "quoted", "random", "regular", "remote", "repeated", "rounded", "scaled", "segment", "shallow"),
    *("shared", "shifted", "smaller", "sparse", "spread", "stable", "strict", "swapped", "total", "trailing"),
    *("typical", "uneven", "unique", "upper", "usual", "variant", "wide", "window", "without", "zone"),
)
"""As tests are called; a file's own words are not taken, and no file has nearly all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controlled:
    """A test file with control tests at its end; ids: theirs, as pytest writes them."""

    text: str
    ids: tuple[str, ...]


def with_controls(path: str, text: str, draw: random.Random) -> Controlled:
    """The file with a class and a function more, whose names and numbers are drawn, so that none is known before."""
    words = [word for word in _WORDS if word not in text.lower()]
    first, second, third = draw.sample(words, 3)
    left, right = draw.sample(range(2, 1000), 2)
    name = f"{first.capitalize()}{second.capitalize()}Test"
    added = f"""

import unittest as {first}_{second}


class {name}({first}_{second}.TestCase):
    def test_{first}_{third}(self):
        self.assertEqual({left}, {right})

    def test_{second}_{third}(self):
        self.assertTrue({left} == {right})

    def test_{third}(self):
        with self.assertRaises(ValueError):
            int("{left}")


def test_{third}_{first}():
    assert {left} == {right}
"""
    methods = [f"{path}::{name}::test_{each}" for each in (f"{first}_{third}", f"{second}_{third}", third)]
    return Controlled(text=text.rstrip("\n") + "\n" + added, ids=(*methods, f"{path}::test_{third}_{first}"))


def controlled(tests: dict[str, str], draw: random.Random) -> tuple[dict[str, str], tuple[str, ...]]:
    """Test files with controls, by path, and all ids of the controls."""
    made = {path: with_controls(path, text, draw) for path, text in tests.items()}
    return {path: each.text for path, each in made.items()}, tuple(_flat(each.ids for each in made.values()))


def _flat(lists: Iterable[tuple[str, ...]]) -> list[str]:
    return [id_ for ids in lists for id_ in ids]
