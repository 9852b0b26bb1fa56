"""A small world for the tests of runs: two tools that read and one that writes, and a model that follows a list."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from agent.deps import Deps
from agent.journal import MemoryJournal
from agent.llm import Ask
from agent.message import Message
from agent.options import Options
from agent.testing import ScriptedLLM, SimpleToolbox
from retrieval.tool import ToolSpec

_TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
LOOK = ToolSpec(
    server="notes", name="look", description="Look at the notes", annotations={"readOnlyHint": True}, input_schema=_TEXT
)
COUNT = ToolSpec(server="notes", name="count", description="Count notes", annotations={"readOnlyHint": True})
WRITE = ToolSpec(server="notes", name="write", description="Write a note", input_schema=_TEXT)

REACT = Options(planner="react", equipment="all", memory="full")


@dataclass
class World:
    """Notes that can be read and written, and a model that says what `says` has, one after the other."""

    says: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    on_write: Callable[[str], Any] | None = None
    options: Options = REACT

    look, count, write = LOOK.tool_id, COUNT.tool_id, WRITE.tool_id

    def __post_init__(self) -> None:
        self.toolbox = SimpleToolbox(
            [
                (LOOK, lambda arguments: f"found {arguments['text']}"),
                (COUNT, lambda arguments: {"count": len(self.notes)}),
                (WRITE, self._write),
            ]
        )
        self.llm = ScriptedLLM(self._say)
        self.journal = MemoryJournal()

    def _say(self, messages: Sequence[Message], ask: Ask) -> str:
        return self.says.pop(0)

    def _write(self, arguments: Any) -> Any:
        self.notes.append(arguments["text"])
        return self.on_write(arguments["text"]) if self.on_write else "written"

    def deps(self, **changes: Any) -> Deps:
        return Deps(**{"llm": self.llm, "toolbox": self.toolbox, "journal": self.journal, **changes})

    def will_call(self, tool_id: str, **arguments: Any) -> None:
        """The model's next words."""
        self.says.append(json.dumps({"tool": tool_id, "arguments": arguments}))

    def will_answer(self, text: str = "done") -> None:
        self.says.append(json.dumps({"answer": text}))

    def hang(self) -> asyncio.Event:
        """From now on the model is asked and never answers; the event says that it was asked."""
        asked = asyncio.Event()

        async def never(*_: Any, **__: Any) -> Any:
            asked.set()
            await asyncio.Event().wait()

        self.llm.sample = never
        return asked

    def opts(self, **changes: Any) -> Options:
        return msgspec.structs.replace(self.options, **changes)

    @property
    def told(self) -> str:
        """All that the last prompt said."""
        return "\n".join(message.content for message in self.llm.asked[-1][0])


@pytest.fixture
def world() -> World:
    return World()
