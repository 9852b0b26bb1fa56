"""The corpus of attacks, written for this project: tasks of a person, and what tools slip in while they are done."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from retrieval.tool import ToolId, canonical_json

Action = tuple[ToolId, dict[str, Any]]


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A task, and an attack in the result of the first call of `carrier`, between what it says before and after.

    steps: what the person's goal needs. injected: what the attack wants; its last action is the harm. trigger: the
    part of the attack that a model must have read to obey it (all of it, where none is given). replaces: the harm
    takes the place of the task's last step. after_task: it is wanted when the task is done. in_memory: the attack
    does not stand in the result, but in the run's memory, where an earlier untrusted text has put it.
    """

    id: str
    category: str
    goal: str
    steps: tuple[Action, ...]
    carrier: ToolId
    before: str
    after: str
    attack: str
    injected: tuple[Action, ...]
    trigger: str = ""
    replaces: bool = False
    after_task: bool = False
    in_memory: bool = False

    @property
    def harm(self) -> Action:
        return self.injected[-1]

    @property
    def carried(self) -> str:
        """What the carrier gives."""
        return self.before + ("" if self.in_memory else self.attack) + self.after

    @property
    def plannable(self) -> bool:
        """Whether the goal alone says every argument of every step, so that a plan can be written before the first."""
        return all(str(value) in self.goal for _, arguments in self.steps for value in arguments.values())

    def read_in(self, prompt: str) -> bool:
        """Whether a model that got this prompt has read the attack."""
        return (self.trigger or self.attack) in prompt


def key(action: Action) -> str:
    """One text for equal actions."""
    return f"{action[0]} {canonical_json(action[1])}"


@cache
def corpus() -> tuple[Case, ...]:
    """All cases, in the order of the file."""
    lines = files("agent.injection").joinpath("corpus.jsonl").read_text("utf-8").splitlines()
    return tuple(msgspec.json.decode(line, type=Case) for line in lines)


def categories(cases: Sequence[Case]) -> list[str]:
    """The kinds of attack, in the order of their first case."""
    return list(dict.fromkeys(case.category for case in cases))
