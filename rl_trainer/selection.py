"""What of a batch is learnt from: the rollouts that differ most, the tokens at which most was decided."""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated

import msgspec
import numpy as np

from rl_trainer.credit.credit import Credit
from rl_trainer.credit.statistics import mean
from rl_trainer.errors import CreditImpossible
from rl_trainer.trajectory import Group

Scored = tuple[Group, Credit]
"""A group with its credit."""

Share = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]


class D3S(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name", tag="d3s"):
    """Which shares are kept, at the beginning and at the end of a training; in between they change linearly."""

    rollouts: tuple[Share, Share] = (1.0, 0.5)
    tokens: tuple[Share, Share] = (1.0, 0.2)


class Pods(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name", tag="pods"):
    """How many runs of a group are kept."""

    keep: Annotated[int, msgspec.Meta(ge=2)]


def most_varied(values: Sequence[float], keep: int) -> list[int]:
    """The places of the `keep` values with the largest variance; ascending.

    Such a set is the k smallest with the keep - k largest, so trying each k finds the best: O(n log n).
    """
    if keep >= len(values):
        return list(range(len(values)))
    order = sorted(range(len(values)), key=lambda place: values[place])
    centre = mean(values)
    ranked = [values[place] - centre for place in order]
    sums = [0.0, *accumulate(ranked)]
    squares = [0.0, *accumulate(each * each for each in ranked)]

    def variance(low: int) -> float:
        high = len(values) - (keep - low)
        total = sums[low] + sums[-1] - sums[high]
        return (squares[low] + squares[-1] - squares[high]) / keep - (total / keep) ** 2

    low = max(range(keep + 1), key=variance)
    return sorted(order[:low] + order[len(values) - (keep - low) :])


def d3s(scored: Sequence[Scored], settings: D3S, *, progress: float) -> list[Scored]:
    """The rollouts of a batch whose advantages vary most, and of these the tokens with the largest |A| H.

    Members that are not kept are gone from their groups, tokens that are not have weight 0. progress: 0 at the
    beginning of a training, 1 at its end. Source: D3S (arXiv 2509.22115); that scanning k is exact is ours.

    Raises:
        CreditImpossible: tokens are to be chosen, and the engine gave no entropies.
    """
    rollouts, tokens = (start + (end - start) * progress for start, end in (settings.rollouts, settings.tokens))
    kept = varied_members(scored, rollouts)
    return kept if tokens >= 1 else decisive_tokens(kept, tokens)


def varied_members(scored: Sequence[Scored], share: float) -> list[Scored]:
    """Of all members of all groups the share whose advantages, a mean over tokens each, vary most."""
    places = [
        (number, member)
        for number, (group, _) in enumerate(scored)
        for member, run in enumerate(group.trajectories)
        if not run.infra
    ]
    values = [
        mean([float(each) for turn in scored[at][1].advantages[member] for each in turn]) for at, member in places
    ]
    chosen = {places[place] for place in most_varied(values, math.ceil(share * len(values)))}
    out = [
        _only(each, [member for member in range(len(each[0].trajectories)) if (number, member) in chosen])
        for number, each in enumerate(scored)
    ]
    return [each for each in out if each[0].trajectories]


def decisive_tokens(scored: Sequence[Scored], share: float) -> list[Scored]:
    """Weight 0 for all but the share of the batch's tokens with the largest |A| H.

    Raises:
        CreditImpossible: the engine gave no entropies.
    """
    _require_entropies(scored)
    importance = [
        np.abs(advantages) * np.array(turn.entropies)
        for group, credit in scored
        for run, member in zip(group.trajectories, credit.advantages, strict=True)
        for turn, advantages in zip(run.turns, member, strict=True)
    ]
    if not importance:
        return list(scored)
    every = np.concatenate(importance)
    kept = np.zeros(len(every), dtype=bool)
    kept[np.argsort(-every, kind="stable")[: math.ceil(share * len(every))]] = True
    parts = iter(np.split(kept, np.cumsum([len(each) for each in importance])[:-1]))
    return [
        (
            group,
            Credit(
                advantages=credit.advantages,
                weights=tuple(tuple(turn * next(parts) for turn in member) for member in credit.weights),
            ),
        )
        for group, credit in scored
    ]


def pods(group: Group, settings: Pods) -> Group:
    """The members whose rewards vary most, before credit is given among them. Source: PODS (arXiv 2504.13818)."""
    living = [run for run in group.trajectories if not run.infra]
    kept = most_varied([run.reward for run in living], settings.keep)
    return msgspec.structs.replace(group, trajectories=tuple(living[place] for place in kept))


def informative(scored: Sequence[Scored]) -> list[Scored]:
    """Those with something to learn: the others have an advantage of 0 everywhere."""
    return [each for each in scored if each[1].informative]


def _only(scored: Scored, members: list[int]) -> Scored:
    group, credit = scored
    credit = Credit(
        advantages=tuple(credit.advantages[member] for member in members),
        weights=tuple(credit.weights[member] for member in members),
    )
    return msgspec.structs.replace(group, trajectories=tuple(group.trajectories[each] for each in members)), credit


def _require_entropies(scored: Sequence[Scored]) -> None:
    for group, _ in scored:
        for run in group.trajectories:
            if any(turn.completion and not turn.entropies for turn in run.turns):
                raise CreditImpossible(
                    f"d3s chooses tokens by their entropy, and run {run.member} on task {group.task_id!r} has none: "
                    "use an engine that gives entropies (in_process does), or keep all tokens with tokens = [1.0, 1.0]"
                )
