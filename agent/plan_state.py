"""`PlanState`: the plan tree of a run and the place in it, folded from the run's events."""

from dataclasses import dataclass

from agent.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanState:
    """Where a run stands in its plans."""

    awaits_review: bool = False


def plan_after(plan: PlanState | None, event: Event) -> PlanState | None:
    """The plan's state with one more event of the run."""
    del event
    return plan
