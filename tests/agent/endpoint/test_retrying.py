"""Asking again within attempts and a budget."""

import pytest

from agent.endpoint.retrying import Clock, Passing, retried, retry_after


async def nothing() -> str:
    raise Passing("busy")


async def attempts_made(budget_s: float, attempts: int) -> tuple[int, float]:
    waits: list[float] = []
    made = 0

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def attempt() -> str:
        nonlocal made
        made += 1
        return await nothing()

    clock = Clock(now=lambda: sum(waits), sleep=sleep)
    with pytest.raises(Passing, match="busy"):
        await retried(attempt, attempts=attempts, budget_s=budget_s, backoff_s=1.0, clock=clock)
    return made, sum(waits)


async def test_attempts_end_with_their_number_or_with_the_budget() -> None:
    assert (await attempts_made(1000.0, 3))[0] == 3
    made, waited = await attempts_made(10.0, 100)
    assert made < 5
    assert waited < 10.0


async def test_no_attempt_is_told_too() -> None:
    with pytest.raises(Passing, match="no attempt"):
        await retried(nothing, attempts=0, budget_s=1.0, backoff_s=1.0, clock=Clock())


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, 0.0),
        ("", 0.0),
        ("3", 3.0),
        ("0.5", 0.5),
        ("-1", 0.0),
        ("soon", 0.0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_the_wait_that_is_asked_for_is_a_number_or_a_date(said: str | None, seconds: float) -> None:
    assert retry_after(said, 100.0) == seconds
