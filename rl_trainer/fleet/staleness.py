"""Staleness: how many versions lie between the weights that wrote a group and those that learn from it."""

from rl_trainer.trajectory import Group


def oldest_version(group: Group) -> int | None:
    """Of all tokens in it; None where it has none."""
    versions = [version for trajectory in group.trajectories for version in trajectory.versions]
    return min(versions, default=None)


def staleness(group: Group, version: int) -> int:
    """How many versions the oldest token of a group is behind; 0 for a group without tokens."""
    oldest = oldest_version(group)
    return 0 if oldest is None else max(0, version - oldest)
