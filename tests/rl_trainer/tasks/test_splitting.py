"""Splits part no group, and hidden tests are hidden."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_trainer.environments.swe.task import swe_task
from rl_trainer.task import Task
from rl_trainer.tasks import load_tasks, split
from rl_trainer.tasks.splitting import HELD_OUT
from rl_trainer.tasks.visibility import hide_tests, without_tests

SAMPLES = Path(__file__).parents[2] / "data" / "swe"
SHARES = {"train": 0.7, "test": 0.3}


def made(count: int) -> list[Task]:
    return [Task(id=f"{n}", goal="", environment="swe", group=f"g{n % 40}", kind=f"k{n % 3}") for n in range(count)]


@given(st.integers(0, 1000))
def test_no_group_stands_on_two_sides(seed: int) -> None:
    parts = split(made(120), seed=seed, shares=SHARES)
    groups = [{task.group for task in part} for part in parts.values()]
    assert not groups[0] & groups[1]
    assert sum(len(part) for part in parts.values()) == 120


def test_more_tasks_move_none_of_those_before() -> None:
    few, many = (split(made(n), seed=3, shares=SHARES) for n in (60, 120))
    assert {t.id for t in few["train"]} <= {t.id for t in many["train"]}


def test_shares_are_met_about() -> None:
    parts = split([Task(id=str(n), goal="", environment="swe") for n in range(2000)], shares=SHARES)
    assert 1340 < len(parts["train"]) < 1460


def test_held_out_kinds_are_learnt_from_in_no_part_and_neither_are_their_groups() -> None:
    parts = split(made(240), seed=1, shares=SHARES, held_out=["k1"])
    assert {task.kind for task in parts[HELD_OUT]} == {"k1"}
    assert all(task.kind != "k1" for name in SHARES for task in parts[name])
    assert not {task.group for task in parts[HELD_OUT]} & {task.group for task in parts["train"]}


def test_shares_beyond_the_whole_are_refused() -> None:
    with pytest.raises(ValueError, match="shares"):
        split([], shares={"a": 0.8, "b": 0.3})


def test_a_share_of_the_tests_is_shown_and_all_of_them_grade() -> None:
    for task in load_tasks(SAMPLES / "exercism_bugs.jsonl"):
        whole, half = swe_task(task), swe_task(hide_tests(task, 0.5))
        (path,) = whole.hidden_files
        assert half.hidden_files == whole.hidden_files
        shown = [test for test in whole.fail_to_pass if f"def {test.rpartition('::')[2]}(" in half.files[path]]
        assert 1 <= len(shown) <= max(1, round(0.5 * len(whole.fail_to_pass)))
        compile(half.files[path], path, "exec")


def test_with_no_share_the_test_files_are_gone() -> None:
    task = next(load_tasks(SAMPLES / "exercism_bugs.jsonl"))
    hidden = swe_task(hide_tests(task, 0.0))
    assert not set(hidden.files) & set(hidden.hidden_files)
    assert not hidden.visible_test_cmd


def test_which_tests_are_hidden_depends_on_the_seed_alone() -> None:
    task = next(load_tasks(SAMPLES / "exercism_bugs.jsonl"))
    assert hide_tests(task, 0.5, seed=1) == hide_tests(task, 0.5, seed=1)


def test_a_class_without_its_tests_keeps_its_name() -> None:
    text = "class A:\n    def test_a(self):\n        pass\n\n\ndef test_b():\n    pass\n"
    left = without_tests(text, ["t.py::A::test_a"])
    compile(left, "t.py", "exec")
    assert "test_a" not in left
    assert "test_b" in left
