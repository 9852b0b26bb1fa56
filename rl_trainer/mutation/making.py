"""`make_tasks`: verified tasks from a project, side by side, in an order that depends on the seed alone."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from rl_trainer.environments.swe.opening import opener
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.errors import WorldFailed
from rl_trainer.mutation.issue import IssueWriter, by_rule
from rl_trainer.mutation.journal import Journal, mark_of, open_journal
from rl_trainer.mutation.mutant import Candidate, candidates, mutants
from rl_trainer.mutation.project import Project
from rl_trainer.mutation.running import Outcomes, Run, runner
from rl_trainer.mutation.verifying import Baseline, Tried, as_task, baseline, verified
from rl_trainer.sandbox.sandbox import Limits
from rl_trainer.task import Task
from rl_trainer.tasks.visibility import hide_tests

Progress = Callable[[int, int, Mapping[str, int]], None]
"""Candidates that are done, of how many, and how often each outcome came."""

_ATTEMPTS = 3
_BATCH = 8

_log = logging.getLogger(__name__)


class MutationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How tasks are made. operators: kinds of bugs, all where none is named. most: tasks, 0 for as many as there are.

    bugs: of one task. visible: the share of the grading tests that the agent sees. repeats: runs of the original, to
    find flaky tests; confirm: whether each mutant runs twice too. jobs: sandboxes at once.
    """

    seed: int = 0
    operators: tuple[str, ...] = ()
    most: int = 0
    bugs: int = 1
    visible: float = 1.0
    repeats: int = 3
    confirm: bool = True
    jobs: int = 2
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if self.bugs < 1 or self.repeats < 1 or self.jobs < 1 or not 0 <= self.visible <= 1:
            raise ValueError("bugs, repeats and jobs are at least 1; visible is from 0 to 1")

    @property
    def mark(self) -> "MutationSettings":
        """What of it determines the tasks: not how many, nor how many at once."""
        return msgspec.structs.replace(self, most=0, jobs=1)


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """tasks: in the file, those of earlier runs too. outcomes: how often each came; by_kind: the same by operator."""

    tasks: int
    outcomes: dict[str, int]
    by_kind: dict[str, dict[str, int]]
    flaky_tests: tuple[str, ...] = ()


async def make_tasks(
    project: Project,
    out: Path,
    *,
    settings: MutationSettings,
    swe: SweSettings | None = None,
    write: IssueWriter = by_rule,
    progress: Progress | None = None,
) -> Made:
    """Append verified tasks to `out`, JSON lines; run again to go on where it stopped.

    Raises:
        TaskInvalid: the project's tests do not pass, an operator is unknown, or `out` was made from something else.
        WorldFailed: the sandbox failed three times at one candidate.
    """
    swe = swe or SweSettings()
    run = runner(project, opener(swe.sandbox), settings=swe, limits=settings.limits)
    files = project.code
    todo = list(candidates(files, list(mutants(files, settings.operators)), bugs=settings.bugs, seed=settings.seed))
    kinds = {candidate.id: candidate.kind for candidate in todo}
    with open_journal(out, mark_of(project, settings.mark)) as journal:
        found = await baseline(project, run, repeats=settings.repeats)
        maker = _Maker(project, settings, found, run, write)
        rest = [candidate for candidate in todo if candidate.id not in journal.done]
        await _all(maker, rest, journal, lambda: progress and progress(len(journal.done), len(todo), _counts(journal)))
        return Made(
            tasks=journal.made,
            outcomes=_counts(journal),
            by_kind=_by_kind(journal, kinds),
            flaky_tests=tuple(sorted(found.flaky)),
        )


class _Maker:
    """One candidate after the other, from candidate to `Tried`."""

    def __init__(
        self, project: Project, settings: MutationSettings, found: Baseline, run: Run, write: IssueWriter
    ) -> None:
        self.project = project
        self.settings = settings
        self.found = found
        self.run = run
        self.write = write

    async def __call__(self, batch: Sequence[Candidate]) -> list[Tried]:
        found = await self._verified(batch)
        return [
            Tried(id=candidate.id, kind=candidate.kind, outcome=outcome, task=await self._task(candidate, outcomes))
            for candidate, (outcome, outcomes) in zip(batch, found, strict=True)
        ]

    async def _verified(self, batch: Sequence[Candidate]) -> list[tuple[str, Outcomes | None]]:
        for _ in range(_ATTEMPTS - 1):
            try:
                return await verified(self.found, batch, self.run, confirm=self.settings.confirm)
            except WorldFailed as error:
                _log.warning("%s: %s; once more", batch[0].id, error)
        return await verified(self.found, batch, self.run, confirm=self.settings.confirm)

    async def _task(self, candidate: Candidate, outcomes: Outcomes | None) -> Task | None:
        if outcomes is None:
            return None
        named, limits = self.settings.visible == 1, self.settings.limits
        task = await as_task(self.project, candidate, outcomes, write=self.write, named=named, limits=limits)
        return task if named else hide_tests(task, self.settings.visible, seed=self.settings.seed)


async def _all(maker: _Maker, rest: Sequence[Candidate], journal: Journal, tell: Callable[[], object]) -> None:
    """Several batches at once, written down in their order whatever ends first."""
    most = maker.settings.most
    batches = iter([rest[at : at + _BATCH] for at in range(0, len(rest), _BATCH)])
    waiting: deque[asyncio.Task[list[Tried]]] = deque()
    try:
        while not (most and journal.made >= most):
            while len(waiting) < maker.settings.jobs and (batch := next(batches, None)) is not None:
                waiting.append(asyncio.create_task(maker(batch)))
            if not waiting:
                break
            for tried in await waiting[0]:
                if not (most and journal.made >= most):
                    journal.add(tried)
            waiting.popleft()
            tell()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def _counts(journal: Journal) -> dict[str, int]:
    return dict(sorted(Counter(journal.done.values()).items()))


def _by_kind(journal: Journal, kinds: Mapping[str, str]) -> dict[str, dict[str, int]]:
    counted: dict[str, Counter[str]] = {}
    for id_, outcome in journal.done.items():
        counted.setdefault(kinds.get(id_, ""), Counter())[outcome] += 1
    return {kind: dict(sorted(counted[kind].items())) for kind in sorted(counted)}
