"""Which tasks come next, by what is known of how hard they are."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0.0)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Outcomes(Protocol):
    """How a task went so far (`rl_trainer.pool.Tried` is one)."""

    @property
    def runs(self) -> int: ...

    @property
    def passed(self) -> int: ...


class Window(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name", tag="window"):
    """Tasks solved in more than `above` and less than `below` of their runs, all alike; those never tried, too.

    The defaults are the paper's rule for its second stage: not always and not never solved (arXiv 2508.03501).
    """

    above: Share = 0.0
    below: Share = 2 / 3


class Informative(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name", tag="informative"
):
    """Tasks by how likely it is that a group of so many runs has both outcomes. passed, failed: the Beta prior, as if
    each task had been solved and not solved so often before."""

    group: Annotated[int, msgspec.Meta(ge=2)] = 8
    passed: Positive = 1.0
    failed: Positive = 1.0


ChoiceSettings = Window | Informative


def choose(
    tasks: Sequence[str], record: Mapping[str, Outcomes], settings: ChoiceSettings, *, count: int, seed: str
) -> list[str]:
    """Up to `count` different tasks, drawn by weight; fewer where not so many have any.

    Each task's number is keyed by the seed and its id (Efraimidis and Spirakis, 2006), so neither the order of the
    tasks nor who finished first plays a part.
    """
    keyed: list[tuple[float, str]] = []
    for task in tasks:
        weight = weight_of(record.get(task), settings)
        if weight > 0:
            keyed.append((math.log(_uniform(seed, task)) / weight, task))
    return [task for _, task in sorted(keyed, reverse=True)[:count]]


def weight_of(outcomes: Outcomes | None, settings: ChoiceSettings) -> float:
    """How much a task is wanted; 0 is not at all."""
    runs, passed = (0, 0) if outcomes is None else (outcomes.runs, outcomes.passed)
    if isinstance(settings, Informative):
        return chance_of_both(settings.passed + passed, settings.failed + runs - passed, settings.group)
    return 1.0 if runs == 0 or settings.above < passed / runs < settings.below else 0.0


def chance_of_both(passed: float, failed: float, group: int) -> float:
    """1 - E[p^G] - E[(1-p)^G] with p ~ Beta(passed, failed): the chance that a group of G has something to compare."""
    return max(0.0, 1.0 - _all_alike(passed, failed, group) - _all_alike(failed, passed, group))


def _all_alike(of: float, other: float, group: int) -> float:
    """E[p^G] = prod_{k<G} (a + k) / (a + b + k)."""
    return math.prod((of + k) / (of + other + k) for k in range(group))


def _uniform(seed: str, task: str) -> float:
    """From (0, 1), by seed and task alone."""
    digest = hashlib.blake2b(f"{seed}\x1f{task}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64
