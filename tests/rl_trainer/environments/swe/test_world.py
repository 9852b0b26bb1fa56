"""Worlds: their state, their facts, their forks, and when they are solved."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from rl_trainer.environments.swe.environment import SweEnvironment
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.errors import NoSandbox, TaskInvalid, WorldFailed
from rl_trainer.sandbox.sandbox import Limits
from rl_trainer.task import Task

MEND = {"path": "sums.py", "old": "-=", "new": "+="}


async def do(world: Any, name: str, **arguments: Any) -> str:
    return (await world.act(name, arguments)).text


async def test_a_mended_and_submitted_task_is_passed(environment: SweEnvironment, task: Task) -> None:
    async with environment.open(task) as world:
        await do(world, "replace", **MEND)
        assert "OK" in await do(world, "shell", command="python -m unittest sums_test.py")
        before = await world.grade()
        await do(world, "submit")
        grade, facts = await world.grade(), world.facts()
    assert (before.passed, before.share, before.detail) == (False, 1.0, "all tests pass, but it was not submitted")
    assert grade.passed
    assert (facts["tests"], facts["tested_before_submit"], facts["submitted"], facts["edits"]) == (1, 1, 1, 1)
    assert world.ends_with == ("swe/submit", "swe/give_up")


async def test_tests_before_the_last_edit_do_not_count_as_tested(environment: SweEnvironment, task: Task) -> None:
    async with environment.open(task) as world:
        await do(world, "shell", command="python -m unittest sums_test.py")
        await do(world, "replace", **MEND)
        await do(world, "submit")
        assert (world.facts()["tests"], world.facts()["tested_before_submit"]) == (1, 0)


async def test_giving_up_is_an_action_and_passes_nothing(environment: SweEnvironment, task: Task) -> None:
    async with environment.open(task) as world:
        await do(world, "replace", **MEND)
        await do(world, "give_up", reason="it cannot be done")
        grade = await world.grade()
    assert (grade.passed, grade.share, world.facts()["gave_up"]) == (False, 1.0, 1)


async def test_grading_changes_nothing_and_equal_patches_are_graded_once(
    environment: SweEnvironment, task: Task, folders: Any
) -> None:
    grades = []
    for _ in range(2):
        async with environment.open(task) as world:
            await do(world, "replace", **MEND)
            before = world.state_key()
            grades += [await world.grade(), await world.grade()]
            assert world.state_key() == before
    assert len(folders.commands) == 1
    assert all(grade == grades[0] for grade in grades)


async def test_the_same_steps_lead_to_the_same_state_and_others_do_not(environment: SweEnvironment, task: Task) -> None:
    async with environment.open(task) as one, environment.open(task) as other:
        assert one.state_key() == other.state_key()
        await do(one, "replace", **MEND)
        assert one.state_key() != other.state_key()
        await do(other, "shell", command="sed -i s/-=/+=/ sums.py")
        assert one.state_key() != other.state_key()  # the file is open in one only
        await do(other, "open", path="sums.py")
        assert one.state_key() == other.state_key()
        await do(other, "shell", command="mkdir -p a && cd a")
        assert one.state_key() != other.state_key()


async def test_a_fork_goes_its_own_way(environment: SweEnvironment, task: Task) -> None:
    async with environment.open(task) as world:
        await do(world, "shell", command="echo left > note.txt")
        async with world.fork() as fork:
            assert fork.state_key() == world.state_key()
            assert "left" in await do(fork, "shell", command="cat note.txt")
            await do(fork, "replace", **MEND)
            await do(fork, "submit")
            assert (await fork.grade()).passed
        assert world.facts()["submitted"] == 0
        assert (await world.grade()).share < 1


async def test_history_and_network_are_counted(environment: SweEnvironment, task: Task) -> None:
    async with environment.open(task) as world:
        await do(world, "shell", command="git log --all | head -1; pip install sums --help > /dev/null; ls")
        facts = world.facts()
    assert (facts["history"], facts["network"], facts["tests"]) == (1, 1, 0)


async def test_a_time_out_of_the_wall_clock_blames_nobody(task: Task, folders: Any) -> None:
    limits = msgspec.to_builtins(Limits(wall_s=0.3))
    slow = msgspec.structs.replace(task, data={**task.data, "limits": limits, "grade_limits": limits})
    settings = SweSettings(stall_s=60)
    async with SweEnvironment(settings, open_=folders).open(slow) as world:
        with pytest.raises(WorldFailed):
            await do(world, "shell", command="while :; do sleep 0.01; done")
        await do(world, "create", path="late.py", content="")
        await do(world, "edit", path="sums.py", start=1, end=0, text="import time\ntime.sleep(60)")
        with pytest.raises(WorldFailed):
            await world.grade()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"fail_to_pass": []}, "names no test that must pass"),
        ({"files": {}}, "neither files nor a repository"),
        ({"test_cmd": "make test"}, "neither 'python -m pytest"),
        ({"files": {"../x.py": ""}}, "not relative"),
        ({"colour": "red"}, "unknown field `colour`"),
    ],
)
async def test_a_task_that_cannot_be_graded_is_refused_when_it_is_opened(
    environment: SweEnvironment, task: Task, change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(TaskInvalid, match=complaint):
        async with environment.open(msgspec.structs.replace(task, data={**task.data, **change})):
            pass


async def test_behind_a_real_fence_the_task_is_solved_and_nothing_outside_is_seen(task: Task, tmp_path: Path) -> None:
    secret = tmp_path / "hidden_test.py"
    secret.write_text("outside")
    try:
        async with SweEnvironment().open(task) as world:
            looked = await do(
                world,
                "shell",
                command=f"cat {secret}; touch ../escaped; find / -name 'hidden_test*' -not -path '/proc/*'",
            )
            assert "outside" not in looked
            assert "\n/" not in looked
            await do(world, "replace", **MEND)
            assert "OK" in await do(world, "shell", command="python -m unittest sums_test.py")
            await do(world, "submit")
            assert (await world.grade()).passed
    except NoSandbox as error:
        pytest.skip(str(error))
    assert not (tmp_path.parent / "escaped").exists()
