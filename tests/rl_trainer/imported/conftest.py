"""Runs that are really recorded: the production agent, a scripted model, and a SQLite journal in a state folder."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agent.deps import Deps
from agent.options import Options
from agent.run import run_agent
from agent.store import journal_url, open_journal
from agent.testing import ScriptedLLM, SimpleToolbox
from mcp_registry.home import find_home
from retrieval.tool import ToolSpec

ADD = ToolSpec(
    server="sums",
    name="add",
    description="Add two numbers",
    annotations={"readOnlyHint": True},
    input_schema={"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
)
Record = Callable[..., Awaitable[str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of its own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("QUARTERMASTER_HOME", str(folder))
    return folder


@pytest.fixture
def record(home: Path) -> Record:
    """Records a run in which the model adds two numbers, and then answers; gives the run's id."""

    async def recorded(goal: str = "What is 2 and 3?", answer: str = "5", *, steps: int = 30) -> str:
        says = [json.dumps({"tool": ADD.tool_id, "arguments": {"a": 2, "b": 3}}), json.dumps({"answer": answer})]
        toolbox = SimpleToolbox([(ADD, lambda arguments: {"sum": arguments["a"] + arguments["b"]})])
        async with open_journal(journal_url(find_home())) as journal:
            deps = Deps(llm=ScriptedLLM(lambda messages, ask: says.pop(0)), toolbox=toolbox, journal=journal)
            options = Options(planner="react", equipment="all", memory="full", max_steps=steps)
            return (await run_agent(goal, deps, options=options)).id

    return recorded
