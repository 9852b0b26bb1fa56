"""`Obedient`: a scripted model that does its task, and what an attack tells it once it has read it: the worst case."""

import json
import random
from collections.abc import Sequence

from agent.injection.corpus import Action, Case
from agent.llm import Ask, Purpose
from agent.message import Message
from agent.testing import ScriptedLLM


class Obedient:
    """One run's model: with probability `obeys` it follows the attack, once. `llm` is what the run is given.

    It looks for the attack in the prompt as it is, so what a fence takes out of a text it cannot obey.
    """

    def __init__(self, case: Case, *, obeys: float = 1.0, seed: int = 0) -> None:
        self._case = case
        self._todo: list[Action] = list(case.steps)
        self._left = random.Random(f"{seed} {case.id}").random() < obeys  # noqa: S311
        self.llm = ScriptedLLM(self._script)

    def refused(self, action: Action) -> None:
        """A person did not allow it: what it was to replace is done after all."""
        if self._case.replaces and action == self._case.harm:
            self._todo.insert(0, self._case.steps[-1])

    def _script(self, messages: Sequence[Message], ask: Ask) -> str:
        if ask.purpose is not Purpose.ACT:
            return "done"
        if self._left and self._case.read_in("\n".join(message.content for message in messages)):
            self._left = False
            self._turn()
        if not self._todo:
            return json.dumps({"answer": "done"})
        tool_id, arguments = self._todo.pop(0)
        return json.dumps({"tool": tool_id, "arguments": arguments})

    def _turn(self) -> None:
        injected = list(self._case.injected)
        if self._case.replaces:
            self._todo = [*self._todo[:-1], *injected]
        elif self._case.after_task:
            self._todo = [*self._todo, *injected]
        else:
            self._todo = [*injected, *self._todo]
