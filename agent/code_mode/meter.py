"""`Meter`: what a program may still use. Every operation is charged for by what it touches, so all of them end."""

import time
from typing import Any

from agent.code_mode.problem import Stopped

MOST_FUEL = 200_000
MOST_SECONDS = 5.0
MOST_CHARACTERS = 1_000_000
MOST_ITEMS = 50_000
MOST_BITS = 4_096
MOST_DEPTH = 40
_LETTERS_A_UNIT = 64
_LOOK_EVERY = 2_000


class Meter:
    """Counts units of work: one for each part of a program that runs, and one for so much of what it makes or reads.

    Both memory and time of a program are within a constant factor of its units. `seconds` are of the processor: how
    busy the machine is stops no program. It must be used in the thread that made it.
    """

    def __init__(self, fuel: int = MOST_FUEL, seconds: float = MOST_SECONDS) -> None:
        self._left = fuel
        self._look_at = fuel - _LOOK_EVERY
        self._ends = time.thread_time() + seconds

    def charge(self, units: int = 1) -> None:
        """Take so many units.

        Raises:
            Stopped: there are none left, or the time is over.
        """
        self._left -= units
        if self._left < 0:
            raise Stopped("the program takes too many steps: loop over less, or stop earlier")
        if self._left < self._look_at:
            self._look_at = self._left - _LOOK_EVERY
            if time.thread_time() > self._ends:
                raise Stopped("the program takes too long")

    def text(self, length: int) -> None:
        """Charge for a text that is about to be made or read."""
        if length > MOST_CHARACTERS:
            raise Stopped(f"a text of {length:,} characters is too long; {MOST_CHARACTERS:,} is the most")
        self.charge(1 + length // _LETTERS_A_UNIT)

    def items(self, count: int) -> None:
        """Charge for a list, a tuple or a dict that is about to be made or read."""
        if count > MOST_ITEMS:
            raise Stopped(f"{count:,} items are too many; {MOST_ITEMS:,} are the most")
        self.charge(1 + count)

    def weigh(self, value: Any) -> None:
        """Charge for reading all of a value, as often as it holds its parts."""
        rest: list[tuple[Any, int]] = [(value, 0)]
        while rest:
            item, depth = rest.pop()
            if depth > MOST_DEPTH:
                raise Stopped(f"a value is nested deeper than {MOST_DEPTH} levels, or holds itself")
            match item:
                case str():
                    self.text(len(item))
                case list() | tuple():
                    self.items(len(item))
                    rest.extend((each, depth + 1) for each in item)
                case dict():
                    self.items(len(item))
                    rest.extend((each, depth + 1) for pair in item.items() for each in pair)
                case _:
                    self.charge()


def checked_number(value: Any) -> Any:
    """The number, if it is one that programs may have.

    Raises:
        Stopped: it is too large, or no real number.
    """
    if isinstance(value, complex):
        raise Stopped("only real numbers are there")
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise Stopped("a whole number is too large")
    return value
