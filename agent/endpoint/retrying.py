"""Asking again: what passes by itself is waited for, within a number of attempts and a budget of time."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

T = TypeVar("T")


class Passing(Exception):
    """An attempt failed in a way that another may not; `after_s` is what the endpoint asked to wait."""

    def __init__(self, problem: str, *, after_s: float = 0.0) -> None:
        super().__init__(problem)
        self.after_s = after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time as a client sees it; a test has its own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    utc: Callable[[], float] = time.time


async def retried(
    attempt: Callable[[], Awaitable[T]], *, attempts: int, budget_s: float, backoff_s: float, clock: Clock
) -> T:
    """What the first attempt that succeeds gives.

    The wait doubles each time, up to twice as long by chance so that many callers do not come back at once, and is
    never shorter than the endpoint asked.

    Raises:
        Passing: the last failure, when no attempt is left or the next wait would go beyond the budget.
    """
    end = clock.now() + budget_s
    for number in range(1, attempts + 1):
        try:
            async with asyncio.timeout(max(end - clock.now(), 0.0)):
                return await attempt()
        except TimeoutError:
            raise Passing(f"the budget of {budget_s:g} s was spent in attempt {number}") from None
        except Passing as passing:
            wait = max(backoff_s * 2 ** (number - 1) * (1 + random.random()), passing.after_s)  # noqa: S311
            if number == attempts or clock.now() + wait >= end:
                raise
        await clock.sleep(wait)
    raise Passing("no attempt was allowed")


def retry_after(said: str | None, utc: float) -> float:
    """The seconds that a Retry-After header asks for: a number, or a date; 0 for anything else."""
    if not said:
        return 0.0
    try:
        return max(float(said), 0.0)
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(said).timestamp() - utc, 0.0)
    except (ValueError, TypeError, OverflowError):
        return 0.0
