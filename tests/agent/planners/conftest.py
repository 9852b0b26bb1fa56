"""Runs of a planner over a scripted model and tools that are functions, without a graph around them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from agent import event as kinds
from agent import nodes
from agent.call import Step
from agent.deps import Deps
from agent.equipment import equipment_of
from agent.event import Event
from agent.journal import MemoryJournal
from agent.llm import Ask, Choice, JsonShape, Profile, Purpose
from agent.message import Message
from agent.options import Options
from agent.planner import Review
from agent.planners import planner_of
from agent.prism import keeper_of
from agent.state import RunState, fold
from agent.strategies import Strategies
from agent.testing import ScriptedLLM, SimpleToolbox
from agent.thinking import Thinking
from mcp_registry.policy import Decision
from retrieval.tool import ToolSpec

READS = {"readOnlyHint": True}
WRITES = {"readOnlyHint": False, "destructiveHint": False, "idempotentHint": False}


def tool(name: str, *arguments: str, hints: Mapping[str, Any] = READS, **types: str) -> ToolSpec:
    """A tool of server `box` with required text arguments, and others of the types given."""
    properties = {**dict.fromkeys(arguments, "string"), **types}
    schema = {
        "type": "object",
        "properties": {each: {"type": type_} for each, type_ in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }
    return ToolSpec(server="box", name=name, description=name, input_schema=schema, annotations=hints)


def plan(*steps: tuple[str, dict[str, Any]]) -> str:
    """A plan as a model writes it."""
    return json.dumps({"steps": [{"tool": f"box/{name}", "arguments": arguments} for name, arguments in steps]})


@dataclass
class Model:
    """A model that plans as it is told, and takes the first option whose text holds one of its preferences.

    plans: the samples of each sampling, the last ones again and again. actions: of steps without a plan. said: its
    first choices, whatever it prefers. mumbles: no choice of its can be read.
    """

    plans: Sequence[Sequence[str]] = ()
    prefers: Sequence[str] = ()
    actions: Sequence[dict[str, Any]] = ()
    answer: str = "done"
    profile: Profile = field(default_factory=lambda: Profile(shapes="response_format", samples=True))
    said: Sequence[str] = ()
    mumbles: bool = False
    samplings: int = 0
    acted: int = 0

    def __call__(self, messages: Sequence[Message], ask: Ask) -> str | list[str]:
        if ask.purpose is Purpose.PLAN:
            assert isinstance(ask.shape, JsonShape)
            self.samplings += 1
            given = self.plans[min(self.samplings, len(self.plans)) - 1]
            return [given[place % len(given)] for place in range(ask.n)]
        if ask.purpose is Purpose.DECIDE:
            assert isinstance(ask.shape, Choice)
            if self.mumbles:
                return "???"
            texts = {option.text: option.label for option in ask.shape.options}
            if self.said:
                wish, self.said = self.said[0], self.said[1:]
                return next(label for text, label in texts.items() if wish in text)
            first = "A" if "A" in texts.values() else "END"
            return next((label for wish in self.prefers for text, label in texts.items() if wish in text), first)
        if ask.purpose is Purpose.ACT:
            self.acted += 1
            return json.dumps(self.actions[min(self.acted, len(self.actions)) - 1])
        return self.answer


@dataclass
class Ran:
    """A run that has gone as far as it goes on its own."""

    run: Thinking
    llm: ScriptedLLM
    events: list[Event]
    toolbox: SimpleToolbox

    @property
    def state(self) -> RunState:
        return self.run.state

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.state.steps

    @property
    def called(self) -> list[str]:
        return [
            f"{tool_id.removeprefix('box/')} {' '.join(map(str, given.values()))}".strip()
            for tool_id, given, _ in self.toolbox.calls
        ]

    @property
    def purposes(self) -> list[Purpose]:
        return [ask.purpose for _, ask in self.llm.asked]

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def prompts(self, purpose: Purpose) -> list[str]:
        """The prompts of one purpose, as text."""
        return [
            "\n".join(message.content for message in messages)
            for messages, ask in self.llm.asked
            if ask.purpose is purpose
        ]


Tools = Sequence[tuple[ToolSpec, Callable[[Mapping[str, Any]], Any]]]


async def ran(
    model: Model,
    tools: Tools,
    *,
    before: Sequence[Event] = (),
    decisions: Mapping[str, Decision] | None = None,
    **options: Any,
) -> Ran:
    """A run from its beginning, or on from some events, until it ends or a person must look at a plan."""
    given: dict[str, Any] = {"planner": "tree", "equipment": "all", "memory": "full", "approve": "all", "plans": 3}
    chosen = Options(**{**given, **options})
    llm = ScriptedLLM(model, profile=model.profile)
    toolbox = SimpleToolbox(tools, decisions)
    deps = Deps(llm=llm, toolbox=toolbox, journal=MemoryJournal())
    parts = Strategies(planner=planner_of(chosen), equipment=equipment_of(chosen), memory=keeper_of(chosen), llm=llm)
    begun = before or [kinds.RunStarted(goal="tidy the box", options=chosen)]
    await deps.journal.append("run", begun)
    run = Thinking("run", fold(begun), deps, parts)
    while (calls := await nodes.think(run)) is not None and not isinstance(calls, Review):
        for call in calls:
            await nodes.act(run, call.id)
    events = [each.event for each in await deps.journal.events("run")]
    assert fold(events) == run.state, "a run is what its events come to"
    return Ran(run, llm, events, toolbox)


@pytest.fixture
def files() -> dict[str, str]:
    """What the tools of `box` work on."""
    return {"a.txt": "alpha", "b.txt": "beta"}


@pytest.fixture
def box(files: dict[str, str]) -> Tools:
    """Tools over the files: list, read, copy and move."""

    def read(given: Mapping[str, Any]) -> Any:
        if given["path"] not in files:
            raise FileNotFoundError(f"no file {given['path']}")
        return {"text": files[given["path"]]}

    def write(given: Mapping[str, Any]) -> Any:
        files[given["path"]] = given["text"]
        return {"written": given["path"]}

    def delete(given: Mapping[str, Any]) -> Any:
        return {"deleted": files.pop(given["path"])}

    return [
        (tool("list"), lambda _: {"files": sorted(files)}),
        (tool("read", "path"), read),
        (tool("write", "path", "text", hints=WRITES), write),
        (tool("delete", "path", hints=WRITES), delete),
        (tool("wait", seconds="integer"), lambda given: {"waited": given["seconds"]}),
    ]
