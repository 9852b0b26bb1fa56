"""`RecordedRun`: a run of the agent as its journal tells it, with the whole prompt of every call of the model."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from agent import event as kinds
from agent.call import Step
from agent.event import Event
from agent.llm import Purpose
from agent.message import Message, ToolCall
from agent.options import Status
from agent.state import fold
from agent.usage import Usage


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    content: str
    tool_calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call of the model: what it was told, and what it said, each sample as the journal has it."""

    purpose: Purpose
    model: str
    messages: tuple[Message, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """What a reward of one argument is given. steps: the calls of tools that were settled, with what came of them."""

    id: str
    goal: str
    status: Status
    answer: str | None
    steps: tuple[Step, ...]
    asked: tuple[Asked, ...]
    usage: Usage
    created_at: float = 0.0
    seconds: float = 0.0


def recorded_run(run_id: str, events: Iterable[Event], *, created_at: float = 0.0) -> RecordedRun:
    """The run of these events."""
    events = list(events)
    state = fold(events)
    return RecordedRun(
        id=run_id,
        goal=state.goal,
        status=state.status,
        answer=state.answer,
        steps=state.steps,
        asked=tuple(_asked(events)),
        usage=state.usage,
        created_at=created_at,
        seconds=state.usage.seconds + sum(step.seconds for step in state.steps),
    )


def _asked(events: Iterable[Event]) -> list[Asked]:
    """Journals keep what is new in each prompt; here each is whole again."""
    found: list[Asked] = []
    for event in events:
        if isinstance(event, kinds.Sampled):
            before = () if event.base is None else found[event.base].messages[: event.keep]
            messages = (*before, *event.messages)
            found.append(Asked(purpose=event.purpose, model=event.model, messages=messages, texts=event.texts))
    return found


def as_message(text: str) -> Message:
    """What was said, from the journal's text: tool calls are JSON there (`agent.thinking`)."""
    try:
        said = msgspec.json.decode(text, type=_Said)
    except msgspec.DecodeError:
        return Message(role="assistant", content=text)
    return Message(role="assistant", content=said.content, tool_calls=said.tool_calls)
