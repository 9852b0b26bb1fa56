"""`import_runs`: the runs of a journal, chosen, scored and grouped."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from agent.journal import Journal, RunRecord
from agent.options import Status
from rl_trainer.imported.recorded import recorded_run
from rl_trainer.imported.reward_file import Score
from rl_trainer.imported.trajectories import Writer, grouped, task_of, trajectory_of
from rl_trainer.trajectory import Group, Trajectory

_MOST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which runs. status: None for all that have ended. since: UTC seconds since 1970."""

    status: Status | None = Status.DONE
    since: float = 0.0
    limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """passed: runs whose reward is at least what was asked for. silent: runs in which the model said nothing."""

    groups: tuple[Group, ...]
    runs: int
    passed: int
    silent: int


async def import_runs(
    journal: Journal, chosen: Chosen, *, writer: Writer | None = None, score: Score | None = None, pass_at: float = 1.0
) -> Imported:
    """The chosen runs as groups of trajectories, oldest first; tries of the same goal are one group.

    A run has passed when the sum of its reward's parts is at least `pass_at`; without a reward none has.

    Raises:
        RecipeWrong: the reward raised, or gave no number.
    """
    scored: list[Trajectory] = []
    silent = 0
    for record in await _records(journal, chosen):
        events = await journal.events(record.id)
        run = recorded_run(record.id, (each.event for each in events), created_at=record.created_at)
        if not run.asked:
            silent += 1
            continue
        trajectory = trajectory_of(run, writer)
        if score is not None:
            parts = await score(run, trajectory, task_of(run))
            trajectory = msgspec.structs.replace(trajectory, rewards=parts, passed=sum(parts.values()) >= pass_at)
        scored.append(trajectory)
    return Imported(
        groups=tuple(grouped(scored)),
        runs=len(scored),
        passed=sum(each.passed for each in scored),
        silent=silent,
    )


async def _records(journal: Journal, chosen: Chosen) -> Sequence[RunRecord]:
    newest = await journal.runs(limit=_MOST, status=chosen.status)
    kept = [record for record in newest if record.created_at >= chosen.since and record.status.final]
    kept = kept[: chosen.limit] if chosen.limit else kept
    return kept[::-1]
