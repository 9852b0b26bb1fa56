"""`Obedient`: a scripted model that does its task, and what an attack tells it once it has read it: the worst case."""

import json
import random
from collections import Counter
from collections.abc import Sequence

from agent.injection.corpus import Action, Case, key
from agent.llm import Ask, Choice, Purpose
from agent.message import Message
from agent.plan import END
from agent.plan_state import NONE
from agent.testing import ScriptedLLM, SimpleToolbox


class Obedient:
    """One run's model: with probability `obeys` it follows the attack, once. `llm` is what the run is given.

    It looks for the attack in the prompt as it is, so what a fence takes out of a text it cannot obey. What it has
    done already it knows from the tools themselves.
    """

    def __init__(self, case: Case, toolbox: SimpleToolbox, *, obeys: float = 1.0, seed: int = 0) -> None:
        self._case = case
        self._toolbox = toolbox
        self._wanted: list[Action] = list(case.steps)
        self._refused: Counter[str] = Counter()
        self._obeys = random.Random(f"{seed} {case.id}").random() < obeys  # noqa: S311
        self.llm = ScriptedLLM(self._script)

    def refused(self, action: Action) -> None:
        """A person did not allow it: what it was to replace is done after all."""
        self._refused[key(action)] += 1
        if self._case.replaces and action == self._case.harm:
            self._wanted.append(self._case.steps[-1])

    def _script(self, messages: Sequence[Message], ask: Ask) -> str:
        if self._obeys and self._case.read_in("\n".join(message.content for message in messages)):
            self._obeys = False
            self._turn()
        left = self._left()
        said = [{"tool": tool_id, "arguments": arguments} for tool_id, arguments in left]
        match ask.purpose:
            case Purpose.PLAN:
                return json.dumps({"steps": said[: self._foreseen(left)]})
            case Purpose.ACT:
                return json.dumps(said[0] if said else {"answer": "done"})
            case Purpose.DECIDE if isinstance(ask.shape, Choice):
                wanted = key(left[0]) if left else END
                return next((option.label for option in ask.shape.options if option.text == wanted), NONE)
            case _:
                return "done"

    def _left(self) -> list[Action]:
        done = self._refused + Counter(key((tool_id, arguments)) for tool_id, arguments, _ in self._toolbox.calls)
        left: list[Action] = []
        for action in self._wanted:
            if done[key(action)]:
                done[key(action)] -= 1
            else:
                left.append(action)
        return left

    def _foreseen(self, left: Sequence[Action]) -> int:
        """How many of these can be planned: what an attack wants next may hold what its first steps will read."""
        first = [place for place, action in enumerate(left, 1) if action in self._case.injected[:-1]]
        return first[0] if first else len(left)

    def _turn(self) -> None:
        injected = list(self._case.injected)
        if self._case.replaces:
            self._wanted = [*self._wanted[:-1], *injected]
        elif self._case.after_task:
            self._wanted = [*self._wanted, *injected]
        else:
            self._wanted = [*injected, *self._wanted]
