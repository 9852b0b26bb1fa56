"""Which candidates are tasks: the original passes every time, the mutant fails at least one test, every time."""

from collections.abc import Sequence

import msgspec

from rl_trainer.environments.swe.task import NAME, SweTask
from rl_trainer.environments.swe.told import with_told
from rl_trainer.errors import TaskInvalid
from rl_trainer.mutation.issue import Failures, IssueWriter
from rl_trainer.mutation.mutant import Candidate
from rl_trainer.mutation.project import Project
from rl_trainer.mutation.running import Outcomes, Run
from rl_trainer.sandbox.sandbox import Limits
from rl_trainer.task import Task
from rl_trainer.tasks.patch import diff


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """stable: tests that passed in every run of the original. flaky: those that passed in some."""

    stable: frozenset[str]
    flaky: frozenset[str]


class Tried(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a candidate. task: where it is one.

    outcome: task; survived: no test fails; import: the tests cannot even be collected; endless: a test used up its CPU
    time; flaky: no test fails twice.
    """

    id: str
    kind: str
    outcome: str
    task: Task | None = None


async def baseline(project: Project, run: Run, *, repeats: int) -> Baseline:
    """The original's tests, run several times with hashes of other seeds.

    Raises:
        TaskInvalid: no test passes every time.
    """
    seen = [outcomes for seed in range(repeats) for outcomes in await run([{}], seed)]
    stable = frozenset.intersection(*(each.passed for each in seen))
    if not stable:
        said = seen[0].broken or next(iter(seen[0].failed.values()), "no test was found")
        raise TaskInvalid(f"project {project.name!r}: no test passes {repeats} times in {repeats} runs: {said}")
    return Baseline(stable=stable, flaky=frozenset.union(*(each.passed for each in seen)) - stable)


async def verified(
    found: Baseline, batch: Sequence[Candidate], run: Run, *, confirm: bool
) -> list[tuple[str, Outcomes | None]]:
    """What comes of each candidate, and the outcomes of those that are tasks: only tests that say the same twice."""
    first = await run([candidate.files for candidate in batch], 0)
    done = [(_judged(found, outcomes), outcomes) for outcomes in first]
    again = [number for number, (outcome, _) in enumerate(done) if outcome == "task"] if confirm else []
    second = await run([batch[number].files for number in again], 1) if again else []
    for number, outcomes in zip(again, second, strict=True):
        both = _both(found, first[number], outcomes)
        done[number] = ("task" if both.failed else "flaky", both)
    return [(outcome, outcomes if outcome == "task" else None) for outcome, outcomes in done]


def _judged(found: Baseline, outcomes: Outcomes) -> str:
    if outcomes.broken:
        return "import"
    if outcomes.endless:
        return "endless"
    return "task" if found.stable & outcomes.failed.keys() else "survived"


def _both(found: Baseline, one: Outcomes, other: Outcomes) -> Outcomes:
    failed = {test: said for test, said in one.failed.items() if test in found.stable and test in other.failed}
    return Outcomes(passed=one.passed & other.passed & found.stable, failed=failed)


async def as_task(
    project: Project, candidate: Candidate, outcomes: Outcomes, *, write: IssueWriter, named: bool, limits: Limits
) -> Task:
    """The verified candidate as a task, all tests to be seen."""
    original = {path: project.files[path] for path in candidate.files}
    graded = sorted({test.partition("::")[0] for test in (*outcomes.failed, *outcomes.passed)})
    id_ = f"{project.name}/{candidate.id}"
    failures = Failures(task_id=id_, project=project.name, failed=outcomes.failed, about=project.about, named=named)
    data = SweTask(
        files={**project.files, **candidate.files},
        protected=project.tests,
        hidden_files={path: project.files[path] for path in graded},
        test_cmd=project.test_cmd,
        visible_test_cmd=project.test_cmd,
        fail_to_pass=tuple(sorted(outcomes.failed)),
        pass_to_pass=tuple(sorted(outcomes.passed)),
        gold_files=dict(original),
        gold_patch=diff(candidate.files, original),
        plugins=project.plugins,
        limits=limits,
        grade_limits=limits,
    )
    return Task(
        id=id_,
        goal=with_told(await write(failures), data) if named else await write(failures),
        environment=NAME,
        kind=candidate.kind,
        group=project.group or f"{project.name}/{min(candidate.files)}",
        source=project.source,
        licence=project.licence,
        data=msgspec.json.decode(msgspec.json.encode(data)),
    )
