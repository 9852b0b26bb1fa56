"""A 2x2 table of runs, solved or not, with a feature or without: how unlikely, how telling, in which direction."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """How many runs: solved with the feature, unsolved with it, solved without, unsolved without."""

    solved_with: int
    unsolved_with: int
    solved_without: int
    unsolved_without: int

    @property
    def runs(self) -> int:
        return self.solved_with + self.unsolved_with + self.solved_without + self.unsolved_without


def fisher_exact(table: Table) -> float:
    """The two-sided p-value: the chance of a table that is no likelier than this one, given its margins.

    Exact: counts stay whole numbers until the last division.
    """
    having = table.solved_with + table.unsolved_with
    solved = table.solved_with + table.solved_without
    unsolved = table.runs - solved

    def ways(both: int) -> int:
        return math.comb(solved, both) * math.comb(unsolved, having - both)

    seen = ways(table.solved_with)
    possible = [ways(both) for both in range(max(0, having - unsolved), min(having, solved) + 1)]
    return sum(each for each in possible if each <= seen) / sum(possible)


def information_gain(table: Table) -> float:
    """How many bits knowing of the feature tells about the outcome: H(Y) - H(Y | X)."""
    if table.runs == 0:
        return 0.0
    having = table.solved_with + table.unsolved_with
    lacking = table.runs - having
    solved = table.solved_with + table.solved_without
    conditional = having * _entropy(table.solved_with, having) + lacking * _entropy(table.solved_without, lacking)
    return max(0.0, _entropy(solved, table.runs) - conditional / table.runs)


def effect_size(table: Table) -> float:
    """asin(sqrt(a)) - asin(sqrt(b)): half of Cohen's h of the shares of solved and of unsolved runs that have it."""
    shares = (
        _share(table.solved_with, table.solved_with + table.solved_without),
        _share(table.unsolved_with, table.unsolved_with + table.unsolved_without),
    )
    return math.asin(math.sqrt(shares[0])) - math.asin(math.sqrt(shares[1]))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _entropy(part: int, whole: int) -> float:
    if whole == 0 or part in (0, whole):
        return 0.0
    share = part / whole
    return -share * math.log2(share) - (1 - share) * math.log2(1 - share)
