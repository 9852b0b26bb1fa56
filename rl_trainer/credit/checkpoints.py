"""BRPO: a run is worth something at every budget, by the hidden tests that pass when it is reached."""

from rl_trainer.credit.credit import Credit, ones, spread
from rl_trainer.credit.settings import Checkpoints
from rl_trainer.credit.statistics import mean
from rl_trainer.errors import CreditImpossible
from rl_trainer.trajectory import Group, Trajectory

_ROUNDING = 1e-12


def budget_relative(group: Group, settings: Checkpoints) -> Credit:
    """A = R_s - B_s for the turns between budget s-1 and budget s, s = 0..S-1.

    R_s = sum_{s'>=s} P_s' r_s': what the run is worth at the budgets still to come. B_s = (s V1 + (S-s) V2) / S:
    V1 is the mean of the run's own earlier r_j with weights 2^j, times sum_{s'>=s} P_s'; V2 is the group's mean of R_s.
    r_s is the last score measured by then, or the run's reward once it has ended. With one budget that is R - mean R.
    Source: AnytimeReasoner (arXiv 2505.13438).

    Raises:
        CreditImpossible: a run has no score at a budget, or more turns than the last budget.
    """
    prior = prior_of(settings)
    scores = [[_score(run, budget, settings.budgets[-1]) for budget in settings.budgets] for run in group.trajectories]
    steps = range(len(prior))
    returns = [[sum(prior[k] * own[k] for k in steps[step:]) for step in steps] for own in scores]
    siblings = [mean([each[step] for each in returns]) for step in steps]
    advantages: list[list[float]] = []
    for run, own, worth in zip(group.trajectories, scores, returns, strict=True):
        by_step = [worth[step] - _baseline(own, step, prior, siblings[step]) for step in steps]
        by_step = [0.0 if abs(value) < _ROUNDING else value for value in by_step]
        advantages.append([by_step[_step(turn, settings.budgets)] for turn in range(len(run.turns))])
    return Credit(advantages=spread(group, advantages), weights=ones(group))


def prior_of(settings: Checkpoints) -> list[float]:
    """P: how likely it is that a run must stop at each budget; sums to 1."""
    count = len(settings.budgets)
    raw = {
        "base": [0.0] * (count - 1) + [1.0],
        "uniform": [1.0] * count,
        "linear": [place + 1.0 for place in range(count)],
    }[settings.prior]
    return [each / sum(raw) for each in raw]


def _baseline(own: list[float], step: int, prior: list[float], siblings: float) -> float:
    if step == 0:
        return siblings
    weights = [2.0**place for place in range(step)]
    before = sum(weight * score for weight, score in zip(weights, own, strict=False)) / sum(weights)
    return (step * before * sum(prior[step:]) + (len(prior) - step) * siblings) / len(prior)


def _step(turn: int, budgets: tuple[int, ...]) -> int:
    return next(step for step, budget in enumerate(budgets) if turn < budget)


def _score(run: Trajectory, budget: int, last: int) -> float:
    if len(run.turns) > last:
        raise CreditImpossible(
            f"brpo: run {run.member} on task {run.task_id!r} has {len(run.turns)} turns and the last budget is {last}; "
            "let credit.estimator.budgets end with the most turns a run may have"
        )
    if len(run.turns) <= budget:
        return run.reward
    found = [turn.score for turn in run.turns[:budget] if turn.score is not None]
    if not found:
        raise CreditImpossible(
            f"brpo needs the score of run {run.member} on task {run.task_id!r} at turn {budget}, and none was measured "
            "by then: switch on the rollout's checkpoints"
        )
    return found[-1]
