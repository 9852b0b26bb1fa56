"""`Axis`: from a value to a place on paper; and round numbers to write beside it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """low stands at `start`, high at `end`, in pixels."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float, *, snug: bool = False) -> "Axis":
        """An axis that all values fit on, with a little room unless `snug`; any axis where there are none."""
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        if low == high:
            room = abs(low) * 0.5 or 0.5
            return cls(low - (0 if snug else room), high + room, start, end)
        room = 0.0 if snug else 0.04 * (high - low)
        low, high = low - room, high + room
        return cls(low, high, start, end)

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers between the two, roughly that many.

    Example:
        ticks(0.0, 1.0, 4)  # [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    rough = (high - low) / about
    if not math.isfinite(rough) or rough <= 0:
        return []
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(times * power for times in (1, 2, 2.5, 5, 10) if times * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [place * step for place in range(first, last + 1)]


def label(value: float) -> str:
    """A tick's number, short."""
    size = abs(value)
    if size >= 10_000:
        return f"{value / 1000:.4g}k"
    if size and size < 0.001:
        return f"{value:.1e}".replace("e-0", "e-")
    return f"{value:.4g}"
