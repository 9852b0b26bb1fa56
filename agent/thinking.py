"""`Thinking`: the one `Context`: a run's state as its events come, and the model, metered and within budget."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from agent import event as kinds
from agent.budget import OutOfBudget, spent
from agent.call import Step
from agent.compute import effort_of
from agent.event import Event, Recorded
from agent.journal import Journal
from agent.llm import Answer, Ask, Profile
from agent.message import Message
from agent.options import Status
from agent.planner import Equipment, MemoryKeeper
from agent.prompts import is_native, told
from agent.state import RunState, after
from agent.strategies import Strategies
from agent.toolbox import Toolbox

_SLOW_S = 0.05
"""A model call that took longer is written down at once: a crash then costs nothing that was paid for."""


class Outside(Protocol):
    """What a run reaches beyond itself; `agent.deps.Deps` is one.

    listen: is told each event of each run when it is on disk. on_text: is told (run id, text) as the model writes.
    """

    @property
    def toolbox(self) -> Toolbox: ...

    @property
    def journal(self) -> Journal: ...

    @property
    def listen(self) -> Callable[[str, Recorded], None] | None: ...

    @property
    def on_text(self) -> Callable[[str, str], None] | None: ...


class Thinking:
    """One run at work. Events are part of the state at once, and on disk when `flush` has returned."""

    def __init__(self, run_id: str, state: RunState, outside: Outside, strategies: Strategies) -> None:
        self.run_id = run_id
        self.state = state
        self.outside = outside
        self.planner = strategies.planner
        self._equipment = strategies.equipment
        self._memory = strategies.memory
        self._llm = strategies.llm
        self._new: list[Event] = []
        self._told: dict[str, tuple[Step, tuple[Message, ...]]] = {}
        self._prompts: list[tuple[int, tuple[Message, ...]]] = []
        self._writing = asyncio.Lock()

    @property
    def toolbox(self) -> Toolbox:
        return self.outside.toolbox

    @property
    def profile(self) -> Profile:
        return self._llm.profile

    @property
    def equipment(self) -> Equipment:
        return self._equipment

    @property
    def memory(self) -> MemoryKeeper:
        return self._memory

    def emit(self, *events: Event) -> None:
        for event in events:
            self.state = after(self.state, event)
            self._new.append(event)

    async def flush(self, *events: Event) -> None:
        """Emit these, and write down all that has happened; events reach listeners when they are on disk."""
        self.emit(*events)
        async with self._writing:
            new = tuple(self._new)
            if not new:
                return
            recorded = await self.outside.journal.append(self.run_id, new)
            del self._new[: len(new)]  # only now: what could not be written is tried again with the next
            for each in recorded:
                self._tell(each)

    def _tell(self, recorded: Recorded) -> None:
        if self.outside.listen is not None:
            self.outside.listen(self.run_id, recorded)

    def next_call_id(self) -> str:
        return f"{self.run_id}-{len(self.state.ledger.rows) + 1}"

    def told(self, step: Step) -> Sequence[Message]:
        known = self._told.get(step.call.id)
        if known is None or known[0] is not step:  # a person may have said since what became of it
            known = self._told[step.call.id] = (step, tuple(told(step, native=is_native(self))))
        return known[1]

    @property
    def worked_s(self) -> float:
        """Seconds that the run has waited for its model and its tools, over all its resumes."""
        return self.state.usage.seconds + sum(step.seconds for step in self.state.steps)

    async def sample(self, messages: Sequence[Message], ask: Ask) -> Answer:
        """The model's answer. The event of the call has what it took.

        Raises:
            OutOfBudget: the run may not ask, or its time ended while it waited.
        """
        if over := spent(self.state, self.worked_s):
            raise over
        if ask.effort is None:
            ask = msgspec.structs.replace(ask, effort=effort_of(self.state))
        started = time.monotonic()
        left_s = self.state.options.max_seconds - self.worked_s
        try:
            async with asyncio.timeout(left_s):
                answer = await self._llm.sample(messages, ask, on_text=self._on_text())
        except TimeoutError:
            raise OutOfBudget(
                Status.OUT_OF_TIME,
                f"the model did not answer within the {self.state.options.max_seconds:g} s of the run (max_seconds)",
            ) from None
        base, keep = self._shared(messages)
        self._prompts = [*self._prompts[-7:], (self.state.samples, tuple(messages))]
        self.emit(
            kinds.Sampled(
                purpose=ask.purpose,
                model=answer.model,
                usage=answer.usage,
                texts=tuple(_said(completion.message) for completion in answer.completions),
                base=base,
                keep=keep,
                messages=tuple(messages[keep:]),
            )
        )
        if time.monotonic() - started > _SLOW_S:
            await self.flush()
        return answer

    def _on_text(self) -> Callable[[str], None] | None:
        told = self.outside.on_text
        return None if told is None else lambda text: told(self.run_id, text)

    def _shared(self, messages: Sequence[Message]) -> tuple[int | None, int]:
        """The earlier call whose prompt begins like this one for the most messages, and for how many."""
        best: tuple[int | None, int] = (None, 0)
        for number, prompt in reversed(self._prompts):
            keep = 0
            while keep < min(len(prompt), len(messages)) and prompt[keep] == messages[keep]:
                keep += 1
            if keep > best[1]:
                best = (number, keep)
            if keep == len(prompt):
                break  # it has only grown: no older one shares more
        return best


def _said(message: Message) -> str:
    """The text of a sample, or its tool calls as JSON."""
    if not message.tool_calls:
        return message.content
    return msgspec.json.encode({"content": message.content, "tool_calls": message.tool_calls}).decode()
