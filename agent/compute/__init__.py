"""How much computing a step is worth: several samples with a verifier, a small model first, effort by difficulty."""

from collections.abc import Callable

from agent.compute.effort import by_effort, effort_of
from agent.compute.routed import Routed
from agent.compute.sampling import Anytime, BestOfN, SelfConsistency
from agent.compute.verifier import Judge, Verifier, Vote
from agent.llm import LLM
from agent.options import Options

__all__ = [
    "Anytime",
    "BestOfN",
    "Judge",
    "Routed",
    "SelfConsistency",
    "Verifier",
    "Vote",
    "by_effort",
    "effort_of",
    "strategy_of",
]


def strategy_of(options: Options) -> Callable[[LLM], LLM]:
    """What the options wrap around a model."""

    def wrapped(llm: LLM) -> LLM:
        match options.compute:
            case "single":
                return llm
            case "best-of-n":
                return BestOfN(llm, options, Judge(llm))
            case "self-consistency":
                return SelfConsistency(llm, options)
            case "anytime":
                return Anytime(llm, options)

    return wrapped
