"""How hard the next step of a run looks, and what is spent on it by that."""

from dataclasses import dataclass

from agent.options import Options
from agent.state import RunState
from agent.tokens import count_tokens

EASY = 0.35
HARD = 0.65
_RECENT = 4
_MUCH_GOAL = 200
_MANY_TOOLS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What a step may take. plans: None leaves it to the cost model."""

    plans: int | None
    samples: int
    max_tokens: int


def effort_of(state: RunState) -> float:
    """From 0 (easy) to 1 (hard), by signs that need no model: 1 - product of (1 - weight * sign).

    Signs, each from 0 to 1: failures among the last steps, corrections of those allowed, a long goal, many tools to
    choose from. What a model's own uncertainty says comes on top of it, in a router: on its own it cannot tell easy
    steps from hard ones, because it is low for confident mistakes too (DiffAdapt).
    """
    recent = state.steps[-_RECENT:]
    signs = (
        (0.6, sum(not step.ok for step in recent) / len(recent) if recent else 0.0),
        (0.6, state.corrections / max(state.options.retries, 1)),
        (0.3, count_tokens(state.goal) / _MUCH_GOAL),
        (0.3, len(state.equipped) / _MANY_TOOLS),
    )
    easy = 1.0
    for weight, sign in signs:
        easy *= 1 - weight * min(sign, 1.0)
    return 1 - easy


def by_effort(effort: float | None, options: Options, *, max_tokens: int = 1024) -> Spending:
    """Less for easy steps, more for hard ones, the options' own in between and where nobody has estimated.

    DiffAdapt's three kinds (easy, normal, hard), on what an endpoint can be asked for.
    """
    plans, samples = options.plans, options.samples
    if effort is None or EASY <= effort < HARD:
        return Spending(plans=plans, samples=samples, max_tokens=max_tokens)
    if effort < EASY:
        return Spending(plans=plans and max(1, plans // 2), samples=1, max_tokens=max(max_tokens // 2, 1))
    return Spending(plans=plans and plans * 2, samples=samples * 2, max_tokens=max_tokens * 2)
