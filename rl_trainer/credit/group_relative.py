"""Credit for whole runs, by comparison with their siblings: what GRPO and its relatives do."""

from collections.abc import Sequence

from rl_trainer.credit.credit import Credit, ones, spread
from rl_trainer.credit.statistics import DELTA, centred, deviation, mean, standardised
from rl_trainer.errors import CreditImpossible
from rl_trainer.trajectory import Group


def group_relative(group: Group) -> Credit:
    """A_i = (R_i - mean R) / (std R + delta), the same for each of its tokens.

    Source: GRPO (arXiv 2402.03300), DAPO (2503.14476), and the paper on SWE agents (2508.03501). std divides by G;
    the usual libraries divide by G - 1, which makes every advantage smaller by one constant factor.
    """
    return _whole(group, standardised(group.rewards))


def centred_only(group: Group) -> Credit:
    """A_i = R_i - mean R. Source: Dr.GRPO (arXiv 2503.20783): dividing by std favours tasks that are nearly decided."""
    return _whole(group, centred(group.rewards))


def leave_one_out(group: Group) -> Credit:
    """A_i = R_i - mean of the others' R: an unbiased baseline. Source: RLOO (arXiv 2402.14740)."""
    count = len(group.trajectories)
    if count < 2:
        return _whole(group, [0.0] * count)
    return _whole(group, [value * count / (count - 1) for value in centred(group.rewards)])


def mean_normalised(group: Group) -> Credit:
    """A_i = (R_i - mean R) / (mean R + delta): rare successes count more. Source: MaxRL, as TRL and prime-rl have it.

    Raises:
        CreditImpossible: a reward is negative; a mean near or below 0 would turn advantages round.
    """
    rewards = group.rewards
    if rewards and min(rewards) < 0:
        raise CreditImpossible(
            f"max_rl divides by the mean reward, and task {group.task_id!r} has a reward of {min(rewards):g}: "
            "switch off penalties and negative rewards, or choose the estimator group"
        )
    scale = mean(rewards) + DELTA
    return _whole(group, [value / scale for value in centred(rewards)])


def batch_scaled(groups: Sequence[Group], given: Sequence[Credit]) -> list[Credit]:
    """The advantages of several groups, each divided by the deviation of all members' (centre them first: dr_grpo).

    A_i = (R_i - mean of its group) / (std over the batch + delta). Source: Lite PPO (arXiv 2508.08221), ScaleRL.
    A member counts once, with the mean of its tokens; members that failed with their world do not count.
    """
    values = [
        mean([float(value) for turn in advantages for value in turn])
        for group, credit in zip(groups, given, strict=True)
        for trajectory, advantages in zip(group.trajectories, credit.advantages, strict=True)
        if not trajectory.infra
    ]
    scale = deviation(values) + DELTA
    return [
        Credit(
            advantages=tuple(tuple(turn / scale for turn in member) for member in credit.advantages),
            weights=credit.weights,
        )
        for credit in given
    ]


def _whole(group: Group, values: list[float]) -> Credit:
    return Credit(advantages=spread(group, values), weights=ones(group))
