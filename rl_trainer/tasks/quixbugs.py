"""QuixBugs: the folder of jkoppel/QuixBugs; its programs with one-line bugs whose cases stand in JSON. For measuring
only: every pre-trained model has seen it."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from rl_trainer.environments.swe.task import SweTask
from rl_trainer.errors import TaskInvalid
from rl_trainer.task import Task
from rl_trainer.tasks.record import Record, read_as, swe

_TEST = "test_hidden.py"
_CHECK = '''

def plain(value):
    """Generators and tuples as lists; numbers as they are."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        return value
    return [plain(each) for each in value]


def check(given, expected):
    found = plain({name}(*given))
    if isinstance(expected, float):
        assert abs(found - expected) <= given[-1]
    else:
        assert found == expected
'''


class _Program(msgspec.Struct, frozen=True):
    name: str
    buggy: str
    correct: str
    cases: tuple[str, ...]


def records(folder: Path) -> Iterator[Record]:
    """A record for each program of the folder."""
    for path in sorted((folder / "python_programs").glob("*.py")):
        cases = folder / "json_testcases" / f"{path.stem}.json"
        correct = folder / "correct_python_programs" / path.name
        if correct.is_file() and not path.stem.endswith("_test") and path.stem not in {"node", "__init__"}:
            yield {
                "name": path.stem,
                "buggy": path.read_text("utf-8"),
                "correct": correct.read_text("utf-8"),
                "cases": cases.read_text("utf-8").splitlines() if cases.is_file() else [],
            }


def program(record: Record) -> Task:
    """One program; each of its cases is a hidden test."""
    found = read_as(_Program, record)
    cases = [_case(line) for line in found.cases if line.strip()]
    if not cases:
        raise TaskInvalid(f"program {found.name} has no cases in JSON")
    file = f"{found.name}.py"
    return swe(
        f"quixbugs/{found.name}",
        f"`{found.name}` in {file} does not do what its description says. Find the bug and mend it.",
        SweTask(
            files={file: found.buggy},
            hidden_files={_TEST: _tests(found.name, cases)},
            test_cmd=f"python -m pytest -q {_TEST}",
            fail_to_pass=tuple(f"{_TEST}::test_{number}" for number in range(len(cases))),
            gold_files={file: found.correct},
        ),
        kind="quixbugs",
        group=f"quixbugs/{found.name}",
        source="QuixBugs",
        licence="MIT",
    )


def _case(line: str) -> tuple[list[object], object]:
    try:
        given, expected = msgspec.json.decode(line)
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        raise TaskInvalid(f"a case that is no pair of input and output: {line[:80]}") from error
    return (given if isinstance(given, list) else [given]), expected


def _tests(name: str, cases: list[tuple[list[object], object]]) -> str:
    tests = "".join(
        f"\n\ndef test_{number}():\n    check({given!r}, {expected!r})\n"
        for number, (given, expected) in enumerate(cases)
    )
    return f"from {name} import {name}\n{_CHECK.format(name=name)}{tests}"
