"""What the goal of a SWE task says at its end."""

from rl_trainer.environments.swe.task import SweTask
from rl_trainer.environments.swe.told import told, with_told


def _task(**more: object) -> SweTask:
    table = {"files": {"a.py": "", "a_test.py": "1"}, "test_cmd": "pytest", "fail_to_pass": ("a_test.py::t",), **more}
    return SweTask(**table)  # type: ignore[arg-type]


def test_it_says_how_tests_are_run_and_whether_the_same_ones_grade() -> None:
    same = told(_task(visible_test_cmd="pytest a_test.py", hidden_files={"a_test.py": "1"}))
    assert "`pytest a_test.py`" in same
    assert "The same tests grade what you hand in with swe/submit" in same
    assert "which you cannot see" in told(_task(visible_test_cmd="pytest a_test.py", hidden_files={"b_test.py": "2"}))
    assert "Run the tests" not in told(_task(hidden_files={"b_test.py": "2"}))


def test_it_stands_once_and_follows_what_is_to_be_seen() -> None:
    before, after = _task(visible_test_cmd="pytest a_test.py"), _task()
    goal = with_told("Mend it.\n", before)
    assert goal == with_told(goal, before)
    assert with_told(goal, after, before=before) == f"Mend it.{told(after)}"
