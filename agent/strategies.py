"""`Strategies`: the parts of one run, chosen by its options."""

from collections.abc import Callable
from dataclasses import dataclass

from agent.llm import LLM
from agent.options import Options
from agent.planner import Equipment, MemoryKeeper, Planner


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategies:
    """`llm` is the model, inside whatever the options wrap around it."""

    planner: Planner
    equipment: Equipment
    memory: MemoryKeeper
    llm: LLM


Choose = Callable[[Options, LLM], Strategies]


def by_name(options: Options, llm: LLM) -> Strategies:
    """The strategies that the options name."""
    from agent.compute import strategy_of
    from agent.equipment import equipment_of
    from agent.planners import planner_of
    from agent.prism import keeper_of

    return Strategies(
        planner=planner_of(options),
        equipment=equipment_of(options),
        memory=keeper_of(options),
        llm=strategy_of(options)(llm),
    )
