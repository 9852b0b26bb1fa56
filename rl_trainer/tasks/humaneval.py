"""HumanEvalFix: one function with a bug, its docstring's examples as visible tests, the others hidden."""

import re

import msgspec

from rl_trainer.environments.swe.task import SweTask
from rl_trainer.task import Task
from rl_trainer.tasks.ids import ids_of_tests
from rl_trainer.tasks.record import Record, read_as, swe

_FILE = "solution.py"
_VISIBLE = "test_visible.py"
_HIDDEN = "test_hidden.py"


class _Fix(msgspec.Struct, frozen=True):
    task_id: str
    entry_point: str
    problem_statement: str
    files: dict[str, str]
    hidden_tests: dict[str, str]
    gold_solution: str
    bug_type: str = ""
    source: str = ""
    licence: str = ""
    visible_fails: bool = False


class _Pack(msgspec.Struct, frozen=True):
    """As in octopack's humanevalpack.jsonl."""

    task_id: str
    prompt: str
    declaration: str
    canonical_solution: str
    buggy_solution: str
    entry_point: str
    test: str
    example_test: str = ""
    docstring: str = ""
    bug_type: str = ""
    failure_symptoms: str = ""


def fix(record: Record) -> Task:
    """One of ../shared's form: files and hidden tests stand ready."""
    found = read_as(_Fix, record)
    visible = {path: text for path, text in found.files.items() if path != _FILE}
    return _task(
        found.task_id,
        found.problem_statement,
        source_text=(found.files.get(_FILE, ""), found.gold_solution),
        tests=(visible, found.hidden_tests),
        about={"kind": found.bug_type, "source": found.source, "licence": found.licence},
        visible_fails=found.visible_fails,
    )


def pack(record: Record) -> Task:
    """One of octopack's own form: the module and both test files are made of its parts."""
    found = read_as(_Pack, record)
    start = found.prompt if found.docstring and found.docstring.strip() in found.prompt else found.declaration
    goal = (
        f"`{found.entry_point}` does not behave as documented ({found.failure_symptoms or 'incorrect output'}). "
        f"Fix {_FILE} so that it satisfies its docstring:\n\n{found.docstring}"
    )
    visible = {_VISIBLE: _tests(found.example_test, found.entry_point, "test_examples")} if found.example_test else {}
    return _task(
        f"humanevalfix/{found.task_id.rpartition('/')[2]}",
        goal,
        source_text=(start + found.buggy_solution, start + found.canonical_solution),
        tests=(visible, {_HIDDEN: _tests(found.test, found.entry_point, "test_hidden")}),
        about={"kind": found.bug_type, "source": "HumanEvalPack (OctoPack)", "licence": "MIT"},
        visible_fails=False,
    )


def _task(
    task_id: str,
    goal: str,
    *,
    source_text: tuple[str, str],
    tests: tuple[dict[str, str], dict[str, str]],
    about: dict[str, str],
    visible_fails: bool,
) -> Task:
    visible, hidden = tests
    seen, unseen = (tuple(i for path, text in each.items() for i in ids_of_tests(path, text)) for each in tests)
    found = SweTask(
        files={_FILE: source_text[0], **visible},
        protected=tuple(visible),
        hidden_files={**visible, **hidden},
        test_cmd=f"python -m pytest -q {' '.join([*hidden, *visible])}",
        visible_test_cmd=f"python -m pytest -q {' '.join(visible)}" if visible else "",
        fail_to_pass=(*unseen, *(seen if visible_fails else ())),
        pass_to_pass=() if visible_fails else seen,
        gold_files={_FILE: source_text[1]},
    )
    return swe(task_id, goal, found, group=task_id, **about)


def _tests(text: str, entry_point: str, name: str) -> str:
    """The `check` of the data set as a test that pytest finds; the data set calls it on its last line."""
    check = re.sub(rf"^check\({re.escape(entry_point)}\)\s*\Z", "", text.rstrip(), flags=re.MULTILINE)
    head = f"from solution import *\nfrom solution import {entry_point}\n\n"
    return f"{head}{check.strip()}\n\n\ndef {name}():\n    check({entry_point})\n"
