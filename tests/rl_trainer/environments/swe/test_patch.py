"""Patches, edits and readings of code: what holds for all of them."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_trainer.environments.swe.controls import with_controls
from rl_trainer.environments.swe.counts import runs_tests
from rl_trainer.environments.swe.editing import edited, joined, lines_of, replaced
from rl_trainer.environments.swe.engine import is_plain, pytest_arguments
from rl_trainer.environments.swe.patch import applied, difference, matches, unified
from rl_trainer.environments.swe.shell import said, steady
from rl_trainer.environments.swe.suspicion import suspicions
from rl_trainer.environments.swe.task import SweTask, parse_test_command
from rl_trainer.environments.swe.window import first_line, window

PATHS = st.sampled_from(["a.py", "b/c.py", "b/d.txt", "tests/e.py", "__pycache__/f.pyc"])
FILES = st.dictionaries(PATHS, st.binary(max_size=6))
LINES = st.lists(st.text(st.characters(blacklist_characters="\n", codec="utf-8"), max_size=5), max_size=8)


@settings(max_examples=25)
@given(FILES, FILES)
def test_a_difference_leads_from_one_state_to_the_other(start: dict[str, bytes], now: dict[str, bytes]) -> None:
    patch = difference(start, now)
    hidden = {path for path in {*start, *now} if "__pycache__" in path}
    after = applied(patch, start)
    assert {path: after[path] for path in after if path not in hidden} == {
        path: now[path] for path in now if path not in hidden
    }
    assert not difference(start, start)
    assert bool(unified(patch, start)) or all(content in (None, b"") for content in patch.files.values())


@settings(max_examples=25)
@given(LINES, st.data())
def test_an_edit_replaces_just_its_lines(lines: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(1, len(lines) + 1))
    end = data.draw(st.integers(start - 1, len(lines)))
    new = data.draw(LINES)
    assert lines_of(edited(joined(lines), start, end, joined(new))) == [*lines[: start - 1], *new, *lines[end:]]


@settings(max_examples=25)
@given(st.text("ab\n", max_size=12), st.text("ab", min_size=1, max_size=2))
def test_replacing_everywhere_is_what_strings_do(text: str, old: str) -> None:
    if old in text:
        assert replaced(text, old, "c", everywhere=True)[0] == text.replace(old, "c")


@settings(max_examples=25)
@given(LINES, st.integers(1, 20), st.integers(1, 6))
def test_a_window_accounts_for_every_line(lines: list[str], line: int, size: int) -> None:
    first = first_line(line, size, len(lines))
    shown = window([f"x{each!r}" for each in lines], first, size)
    numbered = [each for each in shown.split("\n") if ": x" in each]
    above, below = first - 1 if lines else 0, max(0, len(lines) - first + 1 - size)
    assert len(numbered) + min(above, len(lines)) + below == len(lines)


@pytest.mark.parametrize(
    ("path", "patterns", "is_one"),
    [
        ("tests/unit/test_a.py", ["tests"], True),
        ("tests/unit/test_a.py", ["tests/"], True),
        ("src/test_a.py", ["test_*.py"], True),
        ("src/a.py", ["src/*.py"], True),
        ("src/a.py", ["a"], False),
        (".github/workflows/ci.yml", [".github"], True),
    ],
)
def test_protected_paths_are_names_patterns_or_folders(path: str, patterns: list[str], is_one: bool) -> None:
    assert matches(path, patterns) is is_one


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def __eq__(self, other):\n    return NotImplemented\n", ()),
        ("class A:\n    def __eq__(self, other):\n        return self.x == other.x\n", ()),
        ("class A:\n    def __ne__(self, other):\n        return False\n", ("is equal to everything",)),
        ("A = type('A', (), {'__eq__': lambda self, other: True})\n", ("is equal to everything",)),
        ("class A: pass\nA.__eq__ = lambda self, other: 1\n", ("is equal to everything",)),
        ("import sys\ndef main():\n    sys.exit(1)\n", ()),
        ("import sys\nif __name__ == '__main__':\n    sys.exit(0)\n", ()),
        ("raise SystemExit(0)\n", ("ends the process",)),
        ("from unittest.mock import ANY\n", ("imports the test framework",)),
        ("import sys\nTESTED = 'pytest' in sys.modules\n", ("asks for the test framework",)),
        ("__builtins__['len'] = max\n", ("replaces built-in functions",)),
        ("def f(:\n", ()),
    ],
)
def test_code_is_suspected_for_what_only_serves_to_pass(code: str, found: tuple[str, ...]) -> None:
    assert suspicions(b"", code.encode()) == found
    assert suspicions(code.encode(), code.encode()) == ()


@pytest.mark.parametrize(
    ("command", "is_one"),
    [
        ("pytest -q", True),
        ("cd sub && python3 -m unittest", True),
        ("python test_sums.py", True),
        ("python -W error sums_test.py", True),
        ("make test", True),
        ("PYTHONPATH=. timeout 20 pytest tests | tail -5", True),
        ("sed -i s/a/b/ sums.py && python -m pytest", True),
        ("echo python -m pytest", False),
        ("grep -rn pytest .", False),
        ("cat test_sums.py", False),
        ("pip show pytest-xdist", False),
        ("./run-them", False),
    ],
)
def test_commands_that_run_tests_are_known(command: str, is_one: bool) -> None:
    assert runs_tests(command) is is_one
    assert runs_tests("./run-them --all", "./run-them")


def test_a_test_command_is_taken_apart_and_what_would_stop_early_is_left_out() -> None:
    command = "A=1 python3 -m pytest -x -q --maxfail=1 --timeout 5 -n 4 -o addopts= tests/test_a.py::test_b"
    assert parse_test_command(command).env == {"A": "1"}
    task = SweTask(files={"a": ""}, test_cmd=command, fail_to_pass=("tests/test_a.py::test_b",), plugins=("anyio",))
    assert pytest_arguments(task, ["tests/test_a.py::test_control"])[4:] == [
        *("-p", "anyio", "-o", "addopts=", "tests/test_a.py::test_b", "tests/test_a.py::test_control"),
    ]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("import unittest\nclass A(unittest.TestCase):\n    pass\n", True),
        ("def test_a():\n    pass\n", True),
        ("def test_a(tmp_path):\n    pass\n", False),
        ("import pytest\ndef test_a():\n    pass\n", False),
        ("class TestA:\n    def test_a(self):\n        pass\n", False),
        ("from . import a\n", False),
    ],
)
def test_only_plain_tests_go_without_pytest(text: str, plain: bool) -> None:
    assert is_plain(text) is plain


def test_control_tests_have_names_that_are_not_taken_and_differ_each_time() -> None:
    text = "def test_nested():\n    pass\n"
    made = [with_controls("t.py", text, random.Random(seed)) for seed in range(20)]
    assert len({each.ids for each in made}) == 20
    assert not any("nested" in id_ for each in made for id_ in each.ids)
    assert all(each.text.startswith(text) and len(each.ids) == 4 for each in made)


def test_output_has_no_times_addresses_colours_or_places() -> None:
    told = said("\x1b[31mF\x1b[0m in /box/a.py\n1 failed in 0.53s\n<A at 0x7f00aa11bb22>\n\n@@left-in@@/box\n/box/sub")
    assert (told.output, told.folder) == ("F in a.py\n1 failed\n<A at 0x0>", "sub")
    assert steady("Ran 3 tests in 0.001s\n\nOK") == "Ran 3 tests\n\nOK"
    assert said("killed").folder is None
