"""KTAE on actions: tools, files and runs of tools that go with success get a little more, the others a little less."""

import math
import re
from collections import Counter

from rl_trainer.credit.contingency import Table, effect_size, fisher_exact, information_gain
from rl_trainer.credit.credit import Credit, spread
from rl_trainer.credit.settings import KeyActions
from rl_trainer.credit.statistics import mean
from rl_trainer.trajectory import Group, Trajectory

_FILE = re.compile(r"[\w./-]*\w\.[A-Za-z]\w{0,4}\b")
_K1, _B = 2.0, 0.5
"""BM25's saturation, with the figures of the paper's code."""


def key_actions(group: Group, credit: Credit, settings: KeyActions) -> Credit:
    """A_token = A + scale * KT of its turn, KT the mean over the turn's features of

        2 (sigmoid((alpha F + beta IG) D / (alpha + beta)) - 1/2)

    F = exp(-2p) of Fisher's exact test, 0 where p = 1; IG the information gain; D Cohen's h plus gamma times
    (s+ - s-) / (s+ + s-), s the saturated frequency of the feature in solved and in unsolved runs. Source: KTAE (arXiv
    2505.16826). Ours: features are of actions, in place of token ids; and the frequencies' difference is bounded, while
    the released code divides one by the other, so that whatever was seen on one side only would get all there is.
    """
    features = [features_of(run, settings.ngrams) for run in group.trajectories]
    worth = _worth(group, features, settings)
    extra = spread(group, [[settings.scale * mean([worth[each] for each in turn]) for turn in run] for run in features])
    advantages = tuple(
        tuple(old + new for old, new in zip(one, other, strict=True))
        for one, other in zip(credit.advantages, extra, strict=True)
    )
    return Credit(advantages=advantages, weights=credit.weights)


def features_of(run: Trajectory, ngrams: int) -> list[list[str]]:
    """By turn: its tools, alone and with those of the turns before, and the files that it names; each once."""
    tools = ["+".join(line.partition(" ")[0] for line in turn.action.splitlines()) or "-" for turn in run.turns]
    out: list[list[str]] = []
    for place, turn in enumerate(run.turns):
        chains = [tools[place + 1 - size : place + 1] for size in range(1, min(ngrams, place + 1) + 1)]
        files = sorted(set(_FILE.findall(turn.action)))
        out.append([f"do {' > '.join(chain)}" for chain in chains] + [f"file {each}" for each in files])
    return out


def _worth(group: Group, features: list[list[list[str]]], settings: KeyActions) -> dict[str, float]:
    """KT of every feature."""
    held = [{each for turn in run for each in turn} for run in features]
    solved = [run.passed for run in group.trajectories]
    frequencies = [_saturated(features, solved, side=side) for side in (True, False)]
    out: dict[str, float] = {}
    for feature in sorted(set().union(*held)):
        table = _table([feature in each for each in held], solved)
        p = fisher_exact(table)
        strength = settings.alpha * (math.exp(-2 * p) if p < 1 else 0.0) + settings.beta * information_gain(table)
        more, less = (each.get(feature, 0.0) for each in frequencies)
        direction = effect_size(table) + settings.gamma * (more - less) / (more + less)
        out[feature] = math.tanh(strength * direction / (settings.alpha + settings.beta) / 2)
    return out


def _table(held: list[bool], solved: list[bool]) -> Table:
    counts = Counter(zip(held, solved, strict=True))
    return Table(counts[True, True], counts[True, False], counts[False, True], counts[False, False])


def _saturated(features: list[list[list[str]]], solved: list[bool], *, side: bool) -> dict[str, float]:
    """f (k1 + 1) / (f + k1 (1 - b + b length / mean length)), f the share of a feature among all of that side's."""
    runs = [[each for turn in run for each in turn] for run in features]
    counts = Counter(each for run, passed in zip(runs, solved, strict=True) if passed is side for each in run)
    total, everything = counts.total(), sum(map(len, runs))
    damping = _K1 * (1 - _B + _B * 2 * total / everything) if everything else 0.0
    return {each: (count / total) * (_K1 + 1) / (count / total + damping) for each, count in counts.items()}
