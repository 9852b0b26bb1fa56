"""Specs: five words, one for each slot of the program; each word names one right line."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass

from rl_trainer.environments.repairs.grammar import HEAD

Spec = tuple[str, ...]
"""A word for each slot, in the order of `SLOTS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A line that may be wrong. line: its number, from 1. lines: the right line for each word."""

    name: str
    line: int
    lines: dict[str, str]


SLOTS = (
    Slot(name="init", line=2, lines={"zero": "s = 0", "one": "s = 1", "two": "s = 2", "three": "s = 3"}),
    Slot(
        name="loop",
        line=3,
        lines={
            "all": "for x in a :",
            "rest": "for x in a[1:] :",
            "front": "for x in a[:-1] :",
            "half": "for x in a[::2] :",
        },
    ),
    Slot(
        name="condition",
        line=4,
        lines={
            "above": "if x > 2 :",
            "below": "if x < 2 :",
            "even": "if x % 2 == 0 :",
            "odd": "if x % 2 == 1 :",
        },
    ),
    Slot(
        name="update",
        line=5,
        lines={"sum": "s = s + x", "minus": "s = s - x", "count": "s = s + 1", "last": "s = x"},
    ),
    Slot(
        name="return",
        line=6,
        lines={"plain": "return s", "double": "return s * 2", "square": "return s * s", "negate": "return - s"},
    ),
)
LINES = 6


def right_lines(spec: Sequence[str]) -> tuple[str, ...]:
    """The program that the words ask for."""
    return (HEAD, *(slot.lines[word] for slot, word in zip(SLOTS, spec, strict=True)))


def all_specs() -> list[Spec]:
    """Every combination of words: 1,024."""
    return list(itertools.product(*(slot.lines for slot in SLOTS)))


def chosen_specs(seed: int, count: int) -> list[Spec]:
    """So many specs, in an order that depends on the seed alone."""
    return random.Random(f"{seed}:specs").sample(all_specs(), count)  # noqa: S311 - no secret
