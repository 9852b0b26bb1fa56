"""Tasks are the same for the same seed, can be solved, and are solved only when the world says so."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.evaluation.tasks import WORLDS, Task, draw_task, right_steps, way

kinds = st.sampled_from(sorted(WORLDS))
seeds = st.integers(0, 10_000)


@settings(max_examples=60, deadline=None)
@given(kinds, seeds)
def test_the_gold_way_reaches_the_goal(kind: str, seed: int) -> None:
    task = draw_task(kind, seed)
    world = task.world.twin()
    assert not task.reached(world)
    for step in task.gold:
        assert world.do(step.tool, step.arguments).ok
    assert task.reached(world)
    assert 3 <= len(task.gold) <= 12


@settings(max_examples=60, deadline=None)
@given(kinds, seeds)
def test_other_orders_and_tastes_reach_it_too(kind: str, seed: int) -> None:
    task = draw_task(kind, seed)
    world = task.world.twin()
    for step in way(world, task.aims[::-1], taste=1):
        assert world.do(step.tool, step.arguments).ok
    assert task.reached(world)


@settings(max_examples=30, deadline=None)
@given(kinds, seeds, st.randoms(use_true_random=False))
def test_taking_any_right_step_each_time_reaches_it(kind: str, seed: int, rng) -> None:
    task = draw_task(kind, seed)
    world = task.world.twin()
    aim = None
    for _ in range(60):
        left = [each for each in task.aims if not each.done(world.state)]
        if not left:
            break
        aim = aim if aim in left else rng.choice(left)
        step = rng.choice(right_steps(world, [aim]))
        assert world.do(step.tool, step.arguments).ok
    assert task.reached(world)


@pytest.mark.parametrize("kind", WORLDS)
def test_the_same_seed_gives_the_same_task(kind: str) -> None:
    one, other = draw_task(kind, 5), draw_task(kind, 5)
    assert (one.goal, one.gold) == (other.goal, other.gold)
    assert draw_task(kind, 6).goal != one.goal


@pytest.mark.parametrize("kind", WORLDS)
def test_some_steps_only_make_others_possible_and_leaving_them_out_is_refused(kind: str) -> None:
    refused = 0
    for task in (draw_task(kind, seed) for seed in range(20)):
        world = task.world.twin()
        made = [world.do(step.tool, step.arguments).ok for step in task.gold if not step.mends]
        refused += not all(made)
    assert refused


def test_an_aim_that_is_out_of_reach_has_no_way() -> None:
    task = next(task for seed in range(50) if "Add the line" in (task := draw_task("files", seed)).goal)
    aim = next(aim for aim in task.aims if aim.text.startswith("Add the line"))
    world = task.world.twin()
    path = aim.text.split()[-1].rstrip(".")
    world.do("set_protection", {"path": path, "protected": False})
    world.do("delete_file", {"path": path})
    assert not way(world, [aim])
    assert not right_steps(world, [aim])
    assert not task.reached(world)


@pytest.mark.parametrize("steps", [(3, 4), (9, 12)])
def test_the_length_can_be_chosen(steps: tuple[int, int]) -> None:
    tasks: list[Task] = [draw_task(kind, seed, steps=steps) for kind in ("database", "home") for seed in range(5)]
    assert all(steps[0] <= len(task.gold) <= steps[1] for task in tasks)


def test_a_length_that_no_task_has_is_said() -> None:
    with pytest.raises(ValueError, match="no task of files has 100 to 200 steps"):
        draw_task("files", 0, steps=(100, 200))
