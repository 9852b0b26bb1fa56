"""`told`: what every SWE task's goal says at its end: how the tests are run, what grades, how it ends."""

from rl_trainer.environments.swe.task import SweTask
from rl_trainer.environments.swe.tools import ENDS_WITH


def told(task: SweTask) -> str:
    """Begins with an empty line. It names no test that the agent cannot see."""
    run = f"Run the tests with `{task.visible_test_cmd}`. " if task.visible_test_cmd else ""
    unseen = any(task.files.get(path) != text for path, text in task.hidden_files.items())
    graders = (
        ("Other tests, which you cannot see, grade" if run else "Tests that you cannot see grade")
        if unseen
        else ("The same tests grade")
    )
    return f"\n\n{run}{graders} what you hand in with {ENDS_WITH[0]}; only that counts."


def with_told(goal: str, task: SweTask, before: SweTask | None = None) -> str:
    """The goal with it; before: the task as the goal has been told of it, where it has."""
    bare = goal.strip() if before is None else goal.removesuffix(told(before))
    return bare.removesuffix(told(task)) + told(task)
