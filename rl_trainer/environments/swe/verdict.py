"""From what the grader's program reported to a `Grade`; pure."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec

from rl_trainer.environment import Grade

_SHOWN = 5
_BROKE = "exit 70"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the program said. records: [id, outcome, message], or [cheat, what], [collect, file, error], [done], ...

    ended: how the tests' process ended. changed: test files that were not the same afterwards. unsigned: lines that
    came on the results' pipe without the signature.
    """

    records: list[list[str]]
    ended: str
    changed: list[str] = []
    unsigned: int = 0

    def of(self, kind: str) -> list[list[str]]:
        return [record[1:] for record in self.records if record and record[0] == kind]


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What must pass, and which controls must fail."""

    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    controls: tuple[str, ...]


def read_report(output: str, secret: str) -> Report | None:
    """The one line of the output that begins with the secret; None where there is none, or more than one."""
    lines = [line[len(secret) :] for line in output.split("\n") if line.startswith(secret)]
    if len(lines) != 1:
        return None
    try:
        return msgspec.json.decode(lines[0], type=Report)
    except msgspec.DecodeError:
        return None


def verdict(report: Report, expected: Expected, named: Iterable[str], *, disqualified: bool) -> Grade:
    """The grade. named: cheats that were found otherwise; disqualified: whether one of those fails the task.

    A test has passed if it was reported, and every time as passed. Exit statuses and printed words count for nothing.
    """
    outcomes: dict[str, list[str]] = defaultdict(list)
    messages: dict[str, str] = {}
    for record in report.records:
        match record:
            case [id_, ("passed" | "failed" | "skipped") as outcome, message]:
                outcomes[id_].append(outcome)
                messages.setdefault(id_, message)
            case _:
                continue
    caught = _caught(report, expected, outcomes)
    good = {id_ for id_, found in outcomes.items() if set(found) == {"passed"}}
    wanted = (*expected.fail_to_pass, *expected.pass_to_pass)
    over = bool(report.of("done")) and all("failed" in outcomes[id_] for id_ in expected.controls)
    honest = not caught and not disqualified
    parts = {
        "fail_to_pass": _share(expected.fail_to_pass, good) if honest else 0.0,
        "pass_to_pass": _share(expected.pass_to_pass, good) if honest else 0.0,
    }
    return Grade(
        passed=honest and over and good.issuperset(wanted),
        share=_share(wanted, good) if honest else 0.0,
        cheat="; ".join(dict.fromkeys([*named, *caught])),
        detail=_detail(report, wanted, outcomes, messages),
        parts=parts,
    )


def _share(wanted: tuple[str, ...], good: set[str]) -> float:
    return sum(id_ in good for id_ in wanted) / len(wanted) if wanted else 1.0


def _caught(report: Report, expected: Expected, outcomes: dict[str, list[str]]) -> list[str]:
    """What the run itself gave away; each of these fails the task."""
    caught = [what for (what,) in report.of("cheat")]
    if any(set(outcomes.get(id_, ())) - {"failed"} for id_ in expected.controls):
        caught.append("makes failing tests pass")
    if report.changed:
        caught.append("changes tests while they run")
    if report.unsigned:
        caught.append("writes results of its own")
    if report.ended.startswith("exit") and report.ended != _BROKE and not (report.of("done") or report.of("broke")):
        caught.append("ends the process before the tests are over")
    if report.ended == "stalled":
        caught.append("stalls the grader")
    return list(dict.fromkeys(caught))


def _detail(report: Report, wanted: tuple[str, ...], outcomes: dict[str, Any], messages: dict[str, str]) -> str:
    """What went wrong, for people: a line each for the first few tests that did not pass."""
    lines = [f"{path}: {error}" for path, error in report.of("collect")]
    wrong = [id_ for id_ in wanted if set(outcomes.get(id_, ())) != {"passed"}]
    lines += [f"{id_}: {messages.get(id_) or ', '.join(outcomes.get(id_, ['no result']))}" for id_ in wrong]
    if not report.of("done"):
        lines.insert(0, f"the tests' process ended before the tests were over ({report.ended})")
    more = len(lines) - _SHOWN
    return "\n".join([*lines[:_SHOWN], *([f"and {more} more"] if more > 0 else [])])
