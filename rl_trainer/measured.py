"""What an iteration and an evaluation say in figures: flat names, so that any tool can draw them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from rl_trainer.trajectory import Group, Trajectory


def of_groups(groups: Sequence[Group]) -> dict[str, float]:
    """Success, reward parts, turns, tokens, mistakes, tests before submitting, cheats; success by kind of task."""
    everything = [each for group in groups for each in group.trajectories]
    runs = [each for each in everything if not each.infra]
    values = {"rollout/runs": float(len(everything)), "rollout/infra": float(len(everything) - len(runs))}
    if not runs:
        return values
    values |= {
        "rollout/success": _mean(each.passed for each in runs),
        "rollout/share": _mean(each.share for each in runs),
        "rollout/reward": _mean(each.reward for each in runs),
        "rollout/turns": _mean(len(each.turns) for each in runs),
        "rollout/tokens": _mean(each.tokens for each in runs),
        "rollout/truncated": _mean(each.truncated for each in runs),
        "rollout/malformed": _mean(turn.malformed for each in runs for turn in each.turns),
        "rollout/solved_groups": _mean(group.solved > 0 for group in groups),
        "rollout/entropy": _mean(value for each in runs for turn in each.turns for value in turn.entropies),
        "rollout/seconds": _mean(each.seconds for each in runs),
    }
    submitted = [each for each in runs if each.facts.get("submitted")]
    values["rollout/tested_before_submit"] = _mean(each.facts.get("tested_before_submit", 0.0) for each in submitted)
    for name in ("cheat", "gave_up", "rerendered", "tests", "edits"):
        values[f"rollout/{name}"] = _mean(each.facts.get(name, 0.0) for each in runs)
    for name in sorted({name for each in runs for name in each.rewards}):
        values[f"reward/{name}"] = _mean(each.rewards.get(name, 0.0) for each in runs)
    return values | by_kind(runs)


def by_kind(runs: Iterable[Trajectory]) -> dict[str, float]:
    """Success by kind: a curve that flattens at the share of one kind is a shortcut, not learning."""
    kinds: defaultdict[str, list[bool]] = defaultdict(list)
    for each in runs:
        kinds[each.kind or "all"].append(each.passed)
    return {f"success/{kind}": _mean(passed) for kind, passed in sorted(kinds.items())}


def _mean(values: Iterable[float]) -> float:
    numbers = [float(value) for value in values]
    return sum(numbers) / len(numbers) if numbers else 0.0
