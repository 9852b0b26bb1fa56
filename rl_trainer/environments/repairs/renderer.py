"""`RepairRenderer`: the agent's messages as ids of a small closed vocabulary, and back.

The system message and the tools' cards are nothing: a model of this world has seen no other. What is left of a run is
`<goal> five words <act> action <end> <seen> words <act> action <end> ...`, some hundred ids.
"""

import re
from collections.abc import Sequence

from agent.message import Message, ToolCall
from retrieval.tool import ToolSpec
from rl_trainer.environments.repairs.grammar import words_of
from rl_trainer.environments.repairs.tools import EDIT, SERVER
from rl_trainer.environments.repairs.vocabulary import (
    ACT,
    ACTIONS,
    END,
    ERROR,
    GOAL,
    IDS,
    LINE_NUMBERS,
    SEEN,
    SPECIAL,
    WORDS,
)
from rl_trainer.errors import ActionMalformed

_FENCE = re.compile(r"<<tool-text \w+ from [^>]*>>\n(.*)\n<<end of tool-text \w+>>", re.DOTALL)
_GOAL = "Goal: "
_FAILED = "The call did not succeed"
_CARDS = "Tools"
_END = IDS[END]


class RepairRenderer:
    """Pure: the same messages give the same ids."""

    @property
    def stop(self) -> tuple[int, ...]:
        return (_END,)

    @property
    def vocabulary(self) -> int:
        """How many ids there are."""
        return len(WORDS)

    def prompt(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        del tools
        return [*(id_ for message in messages for id_ in _ids(message)), IDS[ACT]]

    def after(self, completion: Sequence[int], new: Sequence[Message]) -> list[int]:
        end = [] if completion and completion[-1] == _END else [_END]
        return [*end, *(id_ for message in new for id_ in _ids(message)), IDS[ACT]]

    def completion(self, message: Message) -> list[int]:
        """The canonical ids of what the policy said, without what opens its turn."""
        if not message.tool_calls:
            said = _known(message.content)
            return said if said and said[-1] == _END else [*said, _END]
        call = message.tool_calls[0]
        words = [call.name.partition("/")[2]]
        if words == [EDIT.name]:
            words += [f"{call.arguments.get('line')}:", *_content(str(call.arguments.get("content", "")))]
        return [*(IDS[word] for word in words if word in IDS), _END]

    def parse(self, completion: Sequence[int]) -> Message:
        if not completion or completion[-1] != _END:
            raise ActionMalformed("an action ends; this one was cut off")
        if any(not 0 <= id_ < len(WORDS) for id_ in completion):
            raise ActionMalformed("an id that is no word")
        words = [WORDS[id_] for id_ in completion[:-1]]
        if any(word in SPECIAL for word in words):
            raise ActionMalformed("a mark inside an action")
        match words:
            case [EDIT.name, number, *content] if number in LINE_NUMBERS and content:
                return _called(EDIT.name, {"line": int(number[:-1]), "content": " ".join(content)})
            case [name] if name in ACTIONS and name != EDIT.name:
                return _called(name, {})
            case _:
                raise ActionMalformed("an action is view, test, submit, give_up, or edit with a line and its content")

    def text(self, ids: Sequence[int]) -> str:
        return " ".join(WORDS[id_] if 0 <= id_ < len(WORDS) else f"<{id_}>" for id_ in ids)


def _content(text: str) -> Sequence[str]:
    """The words of a line; one that somebody else wrote may have its spaces elsewhere."""
    words = text.split()
    return words if all(word in IDS for word in words) else words_of(text)


def _called(name: str, arguments: dict[str, object]) -> Message:
    return Message(role="assistant", tool_calls=(ToolCall(id="1", name=f"{SERVER}/{name}", arguments=arguments),))


def _ids(message: Message) -> list[int]:
    match message.role:
        case "assistant":
            return [IDS[ACT], *RepairRenderer().completion(message)]
        case "tool":
            return _seen(message.content)
        case "user" if message.content.startswith(_GOAL):
            return [IDS[GOAL], *_known(message.content.removeprefix(_GOAL))]
        case "user" if message.content.startswith(_CARDS):
            return []
        case "user":
            return _seen(message.content) if _FENCE.search(message.content) else [IDS[SEEN], IDS[ERROR]]
        case _:
            return []


def _seen(content: str) -> list[int]:
    found = _FENCE.search(content)
    failed = [IDS[ERROR]] if content.startswith(_FAILED) else []
    return [IDS[SEEN], *failed, *_known(found[1] if found else content, shortest=bool(failed))]


def _known(text: str, *, shortest: bool = False) -> list[int]:
    """The words that have an id; of a failure only the first, which says what is wrong."""
    words = [word.rstrip(":") if shortest else word for word in text.split()]
    if shortest:
        words = words[:1]
    return [IDS[word] for word in words if word in IDS]
