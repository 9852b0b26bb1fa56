"""The words that a model of this world reads and writes: a word is a token."""

from rl_trainer.environments.repairs.grammar import SLICES
from rl_trainer.environments.repairs.specs import LINES, SLOTS
from rl_trainer.environments.repairs.tools import TOOLS

PAD, GOAL, ACT, END, SEEN, ERROR = "<pad>", "<goal>", "<act>", "<end>", "<seen>", "<error>"
SPECIAL = (PAD, GOAL, ACT, END, SEEN, ERROR)
"""padding; the goal's words come; the policy is to speak; it has spoken; a tool has spoken; something went wrong."""

_CODE = ("s", "x", "=", "+", "-", "*", "%", "<", ">", "==", "for", "in", "if", "return", *SLICES)
"""Neither the last colon of a line nor the head of the function, which cannot change: they say nothing."""

ACTIONS = tuple(tool.name for tool in TOOLS)
NUMBERS = tuple(map(str, range(7)))
LINE_NUMBERS = tuple(f"{number}:" for number in range(1, LINES + 1))
_SAID = ("ok", "passed", "syntax", "edits", "line", "ended")

WORDS: tuple[str, ...] = tuple(
    dict.fromkeys(
        [
            *SPECIAL,
            *(word for slot in SLOTS for word in slot.lines),
            *ACTIONS,
            *LINE_NUMBERS,
            *NUMBERS,
            *_CODE,
            *_SAID,
        ]
    )
)
IDS: dict[str, int] = {word: place for place, word in enumerate(WORDS)}
