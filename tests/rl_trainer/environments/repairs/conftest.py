"""One task of each slot, and a way to run the production agent in a world by a list of actions."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from agent.deps import Deps
from agent.llm import Answer, Ask, Completion, OnText, Profile
from agent.message import Message, assistant
from agent.options import Options
from agent.run import Run, run_agent
from agent.usage import Usage
from rl_trainer.environments.repairs.renderer import RepairRenderer
from rl_trainer.environments.repairs.tasks import Repairs, make_tasks
from rl_trainer.environments.repairs.tools import ENDS_WITH
from rl_trainer.environments.repairs.vocabulary import IDS
from rl_trainer.environments.repairs.world import RepairWorld
from rl_trainer.task import Task


def ids_of(text: str) -> list[int]:
    return [IDS[word] for word in text.split() if word != ":"]


@dataclass
class Script:
    """A language model with tool calls of its own that says these ids, one after the other."""

    says: list[list[int]]

    def __post_init__(self) -> None:
        self.asked: list[tuple[tuple[Message, ...], Ask]] = []

    id = "script"
    profile = Profile(tool_calls=True)

    async def sample(self, messages: Sequence[Message], ask: Ask, *, on_text: OnText | None = None) -> Answer:
        if len(self.asked) == len(self.says):
            return Answer(completions=(Completion(message=assistant("no more")),), usage=Usage(calls=1))
        self.asked.append((tuple(messages), ask))
        message = RepairRenderer().parse(self.says[len(self.asked) - 1])
        return Answer(completions=(Completion(message=message),), usage=Usage(calls=1))


async def run_script(task: Task, actions: Sequence[str]) -> tuple[Run, Script, RepairWorld]:
    """The agent in a fresh world, saying these actions."""
    world = RepairWorld(task)
    script = Script([ids_of(f"{action} <end>") for action in actions])
    options = Options(planner="react", equipment="all", memory="full", approve="all", ends_with=ENDS_WITH)
    run = await run_agent(task.goal, Deps(llm=script, toolbox=world.toolbox), options=options)
    return run, script, world


@pytest.fixture(scope="session")
def repairs() -> Repairs:
    return make_tasks(0, specs=12, held_out=4)


@pytest.fixture
def task(repairs: Repairs) -> Task:
    return next(task for task in repairs.train if task.kind == "condition")
