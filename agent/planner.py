"""`Planner`: decides what a run does next. It looks at the state, asks the model, and gives a move."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agent.call import Call, Step
from agent.event import Event
from agent.llm import Answer, Ask, Profile
from agent.message import Message
from agent.state import RunState
from agent.toolbox import Toolbox
from retrieval.tool import ToolId, ToolSpec


@dataclass(frozen=True, slots=True)
class Act:
    """Make these calls, side by side; each has an id of `Context.next_call_id`."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """The goal is reached, or it is found that it cannot be: this is the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """There is no way on; the reason is told."""

    reason: str


@dataclass(frozen=True, slots=True)
class Review:
    """Show the plan to a person before anything runs; `next` is asked again when it is approved or refused."""

    summary: str = field(default="")


Move = Act | Finish | GiveUp | Review


class Context(Protocol):
    """What a planner, an equipment and a memory may look at and do while a run thinks (agent/thinking is the one).

    `emit` makes an event part of the run at once: `state` has it. `sample` is the model, metered: it emits the event
    of the call itself, and raises `agent.budget.OutOfBudget` when the run may not ask any more, which nobody catches.
    `told` is a settled step as prompts show it, put together once.
    """

    @property
    def state(self) -> RunState: ...

    @property
    def toolbox(self) -> Toolbox: ...

    @property
    def profile(self) -> Profile: ...

    @property
    def equipment(self) -> "Equipment": ...

    @property
    def memory(self) -> "MemoryKeeper": ...

    def emit(self, *events: Event) -> None: ...

    async def sample(self, messages: Sequence[Message], ask: Ask) -> Answer: ...

    def next_call_id(self) -> str: ...

    def told(self, step: Step) -> Sequence[Message]: ...


class Planner(Protocol):
    """A way of deciding; see agent/planners. It keeps nothing itself: all it knows is in the state."""

    async def next(self, context: Context) -> Move:
        """The next move; asked again when all the calls of the last one have settled."""
        ...


class Equipment(Protocol):
    """A way of choosing which tools the model sees; see agent/equipment. It keeps nothing itself either."""

    @property
    def can_search(self) -> bool:
        """Whether the model may ask for tools itself while it works."""
        ...

    async def tools(self, context: Context) -> list[ToolSpec]:
        """The tools for the next prompt, in an order that only ever grows at its end; equips the run where needed."""
        ...

    async def search(self, context: Context, queries: Sequence[str]) -> list[ToolId]:
        """Equip the run with what these find; gives the ids of all that was found."""
        ...


class MemoryKeeper(Protocol):
    """A way of keeping prompts bounded while results pile up; see agent/prism. It keeps nothing itself."""

    async def keep(self, context: Context) -> None:
        """Take settled steps into memory where the prompts would outgrow their bound; emits what it did."""
        ...

    def shown(self, state: RunState) -> list[Message]:
        """What the prompts say of all that is remembered, and no longer stands there raw: some messages or none.

        Between two events that change memory it is the same text, and amendments only append to it.
        """
        ...
