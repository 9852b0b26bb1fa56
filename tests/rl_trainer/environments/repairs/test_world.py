import pytest

from agent.options import Status
from rl_trainer.environment import Environment
from rl_trainer.environments.repairs.specs import SLOTS, right_lines
from rl_trainer.environments.repairs.tasks import Repairs
from rl_trainer.environments.repairs.tools import TOOLS
from rl_trainer.environments.repairs.world import RepairEnvironment, RepairWorld
from rl_trainer.errors import TaskInvalid
from rl_trainer.task import Task
from tests.rl_trainer.environments.repairs.conftest import run_script

ENVIRONMENT: Environment = RepairEnvironment()


def mend(task: Task) -> tuple[int, str]:
    slot = next(slot for slot in SLOTS if slot.name == task.kind)
    return slot.line, right_lines(task.goal.split())[slot.line - 1]


async def test_a_run_that_mends_the_line_and_submits_passes(repairs: Repairs) -> None:
    for task in repairs.train[:20]:
        line, content = mend(task)
        run, _, world = await run_script(task, ["view", f"edit {line}: {content}", "test", "submit"])
        grade = await world.grade()
        assert (grade.passed, grade.share, grade.detail) == (True, 1.0, "6 of 6 tests pass")
        assert all(step.ok for step in run.state.steps)


async def test_only_what_was_submitted_can_pass(task: Task) -> None:
    line, content = mend(task)
    for last in ("test", "give_up"):
        _, _, world = await run_script(task, [f"edit {line}: {content}", last])
        grade = await world.grade()
        assert not grade.passed
        assert grade.share == 1.0


async def test_a_wrong_program_that_is_submitted_does_not_pass(task: Task) -> None:
    _, _, world = await run_script(task, ["submit"])
    grade = await world.grade()
    assert not grade.passed
    assert grade.share < 1.0


async def test_the_facts_count_what_was_done(task: Task) -> None:
    _, _, world = await run_script(task, ["view", "edit 2: s = 1", "test", "edit 1: s = 0", "edit 4: view", "submit"])
    assert world.facts() == {
        "views": 1,
        "edits": 1,
        "tests": 1,
        "submitted": 1,
        "gave_up": 0,
        "tested_before_submit": 1,
        "invalid_edits": 2,
    }


async def test_a_test_before_the_last_edit_is_no_test_before_submitting(task: Task) -> None:
    _, _, world = await run_script(task, ["test", "edit 2: s = 1", "submit"])
    assert world.facts()["tested_before_submit"] == 0


@pytest.mark.parametrize(
    "content",
    ["import os", "__import__('os')", "s = s ** 9", "while x :", "s = a", "s = 0 ; s = 1", "return f(a)", "s = 99", ""],
)
def test_what_is_not_in_the_grammar_is_refused_and_changes_nothing(task: Task, content: str) -> None:
    world = RepairWorld(task)
    result = world.do("edit", {"line": 4, "content": content})
    assert result.is_error
    assert result.text.startswith("syntax: ")
    assert world.lines == tuple(task.data["lines"])


def test_more_edits_than_there_are_are_refused(task: Task) -> None:
    world = RepairWorld(task)
    answers = [world.do("edit", {"line": 2, "content": f"s = {number}"}) for number in range(3)]
    assert [answer.is_error for answer in answers] == [False, False, True]
    assert world.lines[1] == "s = 1"


def test_nothing_can_be_done_after_the_end(task: Task) -> None:
    world = RepairWorld(task)
    world.do("give_up", {})
    assert world.do("submit", {}).is_error
    assert world.facts()["submitted"] == 0


async def test_a_fork_goes_its_own_way_from_the_same_state(task: Task) -> None:
    async with ENVIRONMENT.open(task) as world:
        assert isinstance(world, RepairWorld)
        world.do("edit", {"line": 2, "content": "s = 5"})
        async with world.fork() as other:
            assert (other.state_key(), other.facts()) == (world.state_key(), world.facts())
            assert isinstance(other, RepairWorld)
            other.do("edit", {"line": 2, "content": "s = 6"})
            assert other.state_key() != world.state_key()
        assert world.lines[1] == "s = 5"


def test_the_same_state_has_the_same_key_by_whatever_way_it_was_reached(task: Task) -> None:
    one, other = RepairWorld(task), RepairWorld(task)
    one.do("view", {})
    for world, spelling in ((one, "if x>2:"), (other, "if  x > 2 :")):
        world.do("edit", {"line": 4, "content": spelling})
    assert one.state_key() == other.state_key()
    one.do("test", {})
    assert one.state_key() != other.state_key()


async def test_a_task_of_another_environment_is_refused(task: Task) -> None:
    for wrong in (Task(id="1", goal="", environment="swe"), Task(id="2", goal="", environment="repairs")):
        with pytest.raises(TaskInvalid):
            async with ENVIRONMENT.open(wrong):
                pass


async def test_the_toolbox_offers_the_five_tools_and_vouches_for_them(task: Task) -> None:
    run, script, world = await run_script(task, ["view", "submit"])
    assert {tool.tool_id for tool in script.asked[0][1].tools} == {tool.tool_id for tool in TOOLS}
    assert not any(step.untrusted for step in run.state.steps)
    assert set(world.ends_with) <= {tool.tool_id for tool in TOOLS}
    assert run.status is Status.DONE
    assert [tool.tool_id for tool in await world.toolbox.search(["mend"], 1)] == ["repairs/view"]
