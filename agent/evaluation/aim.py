"""`Aim`: one thing that is wanted of a world, and the right next step towards it from any state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from agent.evaluation.world import State

S = TypeVar("S", bound=State)


@dataclass(frozen=True, slots=True)
class GoldStep:
    """A right call. `mends`: it only makes the next one possible, and whoever does not look leaves it out."""

    tool: str
    arguments: dict[str, Any]
    mends: bool = False


class OutOfReach(Exception):
    """The aim cannot be reached from this state any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim(Generic[S]):
    """`text` is its sentence in the goal. `done` looks at the state only, never at what a model says.

    step: the right next call where it is not done; raises `OutOfReach`. The second argument is a taste (0 or 1): where
    there are two ways that are equally right, it says which. hinder: puts something in the way that only a refusal
    tells of.
    """

    text: str
    done: Callable[[S], bool]
    step: Callable[[S, int], GoldStep]
    hinder: Callable[[S], None] | None = None
