"""The pool: what is drawn next, and which tasks a stage draws from."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rl_trainer.pool import Pool, Tried, draw, eligible, fresh, noted
from rl_trainer.stages import PoolSettings
from rl_trainer.task import Task
from rl_trainer.trajectory import Group, Trajectory

TASKS = [Task(id=f"t{number}", goal="mend it", environment="repairs") for number in range(7)]


@given(st.lists(st.integers(1, 9), max_size=12))
def test_every_task_comes_once_a_round_however_many_are_drawn_at_once(counts: list[int]) -> None:
    pool, taken = Pool(), list[str]()
    for count in counts:
        some, pool = draw(pool, TASKS, count, "seed")
        assert len(some) == count
        taken += [task.id for task in some]
    for start in range(0, len(taken) - len(TASKS) + 1, len(TASKS)):
        assert len(set(taken[start : start + len(TASKS)])) == len(TASKS)
    assert taken == [task.id for task in draw(Pool(), TASKS, sum(counts), "seed")[0]]


def _group(task: str, passed: str, iteration: int = 0) -> Group:
    runs = tuple(
        Trajectory(task_id=task, member=number, turns=(), passed=each == "1", infra="lost" if each == "x" else "")
        for number, each in enumerate(passed)
    )
    return Group(task_id=task, trajectories=runs, iteration=iteration)


def test_runs_whose_world_broke_say_nothing_about_a_task() -> None:
    pool = noted(Pool(), [_group("t1", "10x"), _group("t1", "1"), _group("t2", "xx")])
    assert pool.tried == {"t1": Tried(3, 2), "t2": Tried(0, 0)}


def test_the_papers_second_stage_drops_what_is_solved_too_often_or_never() -> None:
    pool = noted(Pool(), [_group("t0", "110"), _group("t1", "111"), _group("t2", "000"), _group("t3", "100")])
    second = PoolSettings(below=2 / 3, solved=True, untried=False)
    assert [task.id for task in eligible(TASKS, pool, second)] == ["t3"]
    assert eligible(TASKS, pool, PoolSettings()) == TASKS


def test_a_surplus_group_waits_only_so_long() -> None:
    pool = replace(Pool(), waiting=(_group("t0", "10", 3), _group("t1", "10", 5)))
    assert [group.task_id for group in fresh(pool, 5, 2)] == ["t0", "t1"]
    assert [group.task_id for group in fresh(pool, 6, 2)] == ["t1"]
