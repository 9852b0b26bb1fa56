"""Budgets of a run: steps, tokens, seconds, money. Spending one is a status, not an error."""

from agent.options import Status
from agent.state import RunState


class OutOfBudget(Exception):
    """The run may not go on; the graph turns it into the run's status. Nobody else catches it."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def spent(state: RunState, seconds: float) -> OutOfBudget | None:
    """What ends the run now, if anything; `seconds` is how long it has been at work, waiting for people left out."""
    options = state.options
    if state.usage.tokens >= options.max_tokens:
        return OutOfBudget(
            Status.OUT_OF_TOKENS, f"{state.usage.tokens:,} tokens are used of {options.max_tokens:,} (max_tokens)"
        )
    if seconds >= options.max_seconds:
        return OutOfBudget(Status.OUT_OF_TIME, f"{seconds:.0f} s are used of {options.max_seconds:g} (max_seconds)")
    if options.max_usd is not None and state.usage.cost >= options.max_usd:
        return OutOfBudget(
            Status.OUT_OF_MONEY, f"{state.usage.cost:.4f} USD are spent of {options.max_usd:g} (max_usd)"
        )
    return None


def out_of_steps(state: RunState) -> OutOfBudget | None:
    """What ends the run when it wants to act once more."""
    if state.calls_made >= state.options.max_steps:
        return OutOfBudget(Status.OUT_OF_STEPS, f"{state.calls_made} calls were made of {state.options.max_steps}")
    return None
