"""`NoisyExpert`: a scripted policy that knows the world, and is wrong as often as it is told to be."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from rl_trainer.environments.repairs.grammar import canonical
from rl_trainer.environments.repairs.specs import SLOTS, right_lines
from rl_trainer.environments.repairs.tasks import TESTS
from rl_trainer.environments.repairs.vocabulary import ACT, END, GOAL, IDS, LINE_NUMBERS, SEEN, WORDS
from rl_trainer.environments.repairs.world import EDITS
from rl_trainer.policy import Sampling, Written

TURNS = 6
"""After so many turns of its own it has handed in or given up."""

_VIEWS_FIRST, _TESTS_FIRST, _TESTS, _LOOKS_AGAIN = 0.85, 0.1, 0.75, 0.25
_STOPS, _GIVES_UP = 0.4, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a prompt says. lines: the program as far as seen. passed: by the last test, -1 since an edit."""

    spec: tuple[str, ...]
    lines: tuple[str, ...] = ()
    turns: int = 0
    edits: int = 0
    passed: int = -1


class NoisyExpert:
    """A `rl_trainer.policy.Policy`: reads the ids of the prompt and writes an action. share_right: of its edits.

    A wrong edit puts a line of the right slot wrong, or writes into a slot that was right. What it does depends on the
    prompt and the seed alone.
    """

    def __init__(self, *, share_right: float = 0.6) -> None:
        self._share_right = share_right

    @property
    def id(self) -> str:
        return "noisy-expert"

    @property
    def version(self) -> int:
        return 0

    async def complete(self, prompt: Sequence[int], *, sampling: Sampling, seed: int) -> Written:
        del sampling
        return self.written(prompt, seed)

    async def effective(self) -> Sampling:
        return Sampling()

    def written(self, prompt: Sequence[int], seed: int) -> Written:
        """Its action. Nothing was drawn from a distribution over ids: the log-probabilities are zeros."""
        drawn = random.Random(f"{seed}:expert")  # noqa: S311 - no secret
        action = _action(read([WORDS[id_] for id_ in prompt]), drawn, self._share_right)
        ids = tuple(IDS[word] for word in [*action.split(), END] if word in IDS)
        return Written(ids=ids, logprobs=(0.0,) * len(ids), finish="stop", version=0)


def read(words: Sequence[str]) -> Reading:
    """A prompt of this world, read."""
    rows = " ".join(words).split(f" {ACT}")
    spec = tuple(rows[0].removeprefix(GOAL).split())
    lines: tuple[str, ...] = ()
    edits, passed = 0, -1
    for row in rows[1:-1]:
        action, _, seen = row.strip().partition(f" {END} {SEEN} ")
        match action.split(), seen.split():
            case ["view"], shown:
                lines = _lines(shown)
            case ["edit", number, *content], ["ok"]:
                edits, passed = edits + 1, -1
                place = int(number[:-1]) - 1
                lines = (*lines[:place], canonical(" ".join(content)), *lines[place + 1 :]) if lines else ()
            case ["test"], ["passed", count, *_]:
                passed = int(count)
            case _:
                pass
    return Reading(spec=spec, lines=lines, turns=len(rows) - 2, edits=edits, passed=passed)


def _lines(shown: Sequence[str]) -> tuple[str, ...]:
    found: list[list[str]] = []
    for word in shown:
        if word in LINE_NUMBERS:
            found.append([])
        else:
            found[-1].append(word)
    return tuple(canonical(" ".join(words)) for words in found)


def _action(at: Reading, drawn: random.Random, share_right: float) -> str:
    left = TURNS - at.turns
    if at.passed == TESTS or left <= 1:
        return "submit"
    if at.edits == 0:
        if not at.lines and left > 2 and drawn.random() < _VIEWS_FIRST:
            return "view"
        return "test" if at.passed < 0 and drawn.random() < _TESTS_FIRST else _edit(at, drawn, share_right)
    if at.passed < 0:
        return "test" if drawn.random() < _TESTS else "submit"
    if at.edits == EDITS or drawn.random() < _STOPS:
        return "give_up" if drawn.random() < _GIVES_UP else "submit"
    return "view" if left > 3 and drawn.random() < _LOOKS_AGAIN else _edit(at, drawn, share_right)


def _edit(at: Reading, drawn: random.Random, share_right: float) -> str:
    right = right_lines(at.spec)
    wrong = [slot for slot in SLOTS if at.lines and at.lines[slot.line - 1] != right[slot.line - 1]]
    slot = drawn.choice(wrong or SLOTS)
    if wrong and drawn.random() < share_right:
        return f"edit {slot.line}: {right[slot.line - 1]}"
    if drawn.random() < 0.5:  # the wrong place
        slot = drawn.choice(SLOTS)
        return f"edit {slot.line}: {right[slot.line - 1]}"
    others = [line for line in slot.lines.values() if line != right[slot.line - 1]]
    return f"edit {slot.line}: {drawn.choice(others)}"
