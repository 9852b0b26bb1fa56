"""A task served over MCP: the production registry calls its tools, and the production agent solves it."""

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from agent.deps import Deps
from agent.journal import MemoryJournal
from agent.llm import Ask
from agent.message import Message
from agent.options import Options, Status
from agent.registry_toolbox import RegistryToolbox
from agent.run import run_agent
from agent.testing import ScriptedLLM
from mcp_registry.home import Home
from mcp_registry.registry import open_registry
from mcp_registry.server import Limits, ServerSpec, Stdio
from mcp_registry.settings import Settings
from rl_trainer.environments.swe.environment import SweEnvironment
from rl_trainer.environments.swe.server import Result, serve_task_over_http
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.tools import ENDS_WITH, TOOLS
from rl_trainer.errors import WorldFailed
from rl_trainer.sandbox.opening import SandboxSettings
from rl_trainer.sandbox.sandbox import Limits as Sizes
from rl_trainer.task import Task

STEPS = (
    '{"tool": "swe/open", "arguments": {"path": "sums.py"}}',
    '{"tool": "swe/edit", "arguments": {"start": 4, "end": 4, "text": "        result += each"}}',
    '{"tool": "swe/shell", "arguments": {"command": "python -m unittest sums_test.py"}}',
    '{"tool": "swe/submit", "arguments": {}}',
)
OPTIONS = Options(planner="react", equipment="all", memory="full", ends_with=ENDS_WITH, approve="all")


def script() -> ScriptedLLM:
    steps = iter(STEPS)

    def say(messages: Sequence[Message], ask: Ask) -> str:
        return next(steps)

    return ScriptedLLM(say)


async def test_the_agent_solves_a_task_in_process(environment: SweEnvironment, task: Task) -> None:
    async with environment.open(task) as world:
        deps = Deps(llm=script(), toolbox=world.toolbox, journal=MemoryJournal())
        run = await run_agent(task.goal, deps, options=OPTIONS)
        assert run.status is Status.DONE, run.state.reason
        assert (await world.grade()).passed
        assert world.facts()["tested_before_submit"] == 1


async def test_a_world_that_breaks_ends_the_run_as_that_and_blames_nobody(
    environment: SweEnvironment, task: Task
) -> None:
    slow = msgspec.structs.replace(task, data={**task.data, "limits": msgspec.to_builtins(Sizes(wall_s=0.3))})
    said = '{"tool": "swe/shell", "arguments": {"command": "while :; do sleep 0.01; done"}}'
    async with environment.open(slow) as world:
        deps = Deps(llm=ScriptedLLM(lambda messages, ask: said), toolbox=world.toolbox, journal=MemoryJournal())
        with pytest.raises(WorldFailed):
            await run_agent(task.goal, deps, options=OPTIONS)


async def test_the_agent_solves_a_task_that_is_served_over_stdio(task: Task, tmp_path: Path) -> None:
    tasks, result, settings = tmp_path / "tasks.jsonl", tmp_path / "result.json", tmp_path / "settings.toml"
    tasks.write_bytes(msgspec.json.encode(task) + b"\n")
    settings.write_text('[sandbox]\nkind = "unfenced"\n')
    program = "from rl_trainer.cli.serve_task import app; app()"
    words = (str(tasks), "--id", task.id, "--result", str(result), "--settings", str(settings))
    spec = ServerSpec(
        name="swe",
        transport=Stdio(command=sys.executable, args=("-c", program, *words)),
        limits=Limits(open_s=60, list_s=60, call_s=60),
    )
    async with open_registry(Home(tmp_path / "home"), Settings()) as registry:
        registry.catalogue.add_server(spec, origin="added")
        assert [outcome.ok for outcome in await registry.sync()] == [True]
        assert {hit.id for hit, _ in await registry.search("replace lines of a file", 3)} & {"swe/edit", "swe/replace"}
        deps = Deps(llm=script(), toolbox=RegistryToolbox(registry), journal=MemoryJournal())
        run = await run_agent(task.goal, deps, options=OPTIONS)
        assert run.status is Status.DONE, run.state.reason
        assert "not in the catalogue" not in (await registry.call("swe/shell", {"command": "ls"})).text
    found = msgspec.json.decode(result.read_bytes(), type=Result)
    assert found.grade.passed
    assert "+        result += each\n" in found.patch
    assert found.facts["tested_before_submit"] == 1


async def test_published_tools_are_the_same_over_http(task: Task) -> None:
    from mcp import Client

    at: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    settings = SweSettings(sandbox=SandboxSettings(kind="unfenced"))
    serving = asyncio.create_task(serve_task_over_http(task, settings, port=0, told=at.set_result))
    try:
        async with asyncio.timeout(60), Client(await at) as client:
            listed = (await client.list_tools()).tools
            assert [each.name for each in listed] == [tool.name for tool in TOOLS]
            wrong = await client.call_tool("open", {"path": "nowhere"})
            assert wrong.is_error
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
