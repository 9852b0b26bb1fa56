"""A real MCP server with a state in a file: fresh for each world, graded by its end state, forked."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from agent.deps import Deps
from agent.journal import MemoryJournal
from agent.options import Options, Status
from agent.run import run_agent
from agent.testing import ScriptedLLM
from mcp_registry.result import ToolResult
from retrieval.tool import canonical_json
from rl_trainer.environment import World
from rl_trainer.environments.mcp_world.environment import McpEnvironment, open_mcp
from rl_trainer.errors import ForkUnsupported, TaskInvalid, WorldFailed
from rl_trainer.task import Task
from rl_trainer.tasks.verifying import verify

pytestmark = pytest.mark.asyncio(loop_scope="module")
SERVER = Path(__file__).parents[3] / "servers" / "notes.py"


def task(**changed: Any) -> Task:
    data: dict[str, Any] = {
        "servers": {"notes": {"command": sys.executable, "args": ["-I", "-c", PROGRAM]}},
        "files": {"notes.json": '{"notes": ["milk", "eggs"], "calls": 0}'},
        "gold": [call("remove", number=0), call("add", text="bread")],
        "state": {"files": ["*.json"], "ignored": ["calls"]},
        "withheld": ["notes/roll"],
        "withheld_arguments": ["owner"],
        "ends_with": ["notes/finish"],
    }
    return Task(id="shop", goal="Bread instead of milk.", environment="mcp", data={**data, **changed})


PROGRAM = f"import sys; sys.path.insert(0, {str(SERVER.parent)!r}); sys.argv = ['notes']; import notes; notes.main()"


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"tool": f"notes/{tool}", "arguments": arguments}


async def do(world: World, tool: str, **arguments: Any) -> ToolResult:
    spec = (await world.toolbox.tools())[f"notes/{tool}"]
    return await world.toolbox.call(spec, arguments, key="k", timeout_s=10.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def environment() -> AsyncIterator[McpEnvironment]:
    async with open_mcp() as opened:
        yield opened


async def test_worlds_are_graded_by_their_end_state_and_are_each_their_own(environment: McpEnvironment) -> None:
    async with environment.open(task()) as world, environment.open(task()) as idle, environment.open(task()) as wrong:
        keys = {world.state_key(), idle.state_key(), wrong.state_key()}
        assert len(keys) == 1
        await do(world, "remove", number=0)
        half = await world.grade()
        assert not half.passed
        assert 0 < half.share < 1
        await do(world, "add", text="bread")
        assert (await world.grade()).passed
        assert world.state_key() not in keys
        nothing = await idle.grade()
        assert (nothing.passed, nothing.share) == (False, 0.0)
        await do(wrong, "remove", number=1)
        assert (await do(wrong, "remove", number=7)).is_error
        assert not (await wrong.grade()).passed
        assert wrong.facts() == {"calls": 2, "writes": 1, "errors": 1, "submitted": 0}


async def test_the_agent_sees_neither_what_is_withheld_nor_its_arguments(environment: McpEnvironment) -> None:
    async with environment.open(task()) as world:
        tools = await world.toolbox.tools()
        assert "notes/roll" not in tools
        assert "notes/roll" not in {tool.tool_id for tool in await world.toolbox.search(["a number of chance"], 9)}
        assert "owner" not in tools["notes/add"].input_schema["properties"]
        await world.toolbox.call(tools["notes/add"], {"text": "a", "owner": "b"}, key="k", timeout_s=10.0)
        assert '"a"' in (await do(world, "list")).text


@pytest.mark.parametrize("how", ["replay", "copy"])
async def test_a_fork_goes_on_from_the_same_state_and_leaves_the_other_alone(
    environment: McpEnvironment, how: str
) -> None:
    async with environment.open(task(fork=how)) as world:
        await do(world, "remove", number=0)
        async with world.fork() as other:
            assert other.state_key() == world.state_key()
            assert other.facts() == world.facts()
            await do(other, "add", text="bread")
            assert (await other.grade()).passed
        assert not (await world.grade()).passed


async def test_what_chance_made_cannot_be_forked_by_replay(environment: McpEnvironment) -> None:
    async with environment.open(task(withheld=[])) as world:
        await do(world, "roll")
        with pytest.raises(ForkUnsupported, match="does not do the same twice"):
            async with world.fork():
                pass


async def test_a_state_that_lies_elsewhere_is_read_by_probes(environment: McpEnvironment) -> None:
    probed = task(state={"probes": [call("list")]})
    async with environment.open(probed) as world:
        before = world.state_key()
        await do(world, "list")
        assert world.state_key() == before
        await do(world, "remove", number=0)
        await do(world, "add", text="bread")
        assert world.state_key() != before
        assert (await world.grade()).passed


async def test_a_call_that_nobody_knows_of_is_the_worlds_failure(environment: McpEnvironment) -> None:
    async with environment.open(task()) as world:
        assert (await do(world, "vanish")).unknown
        with pytest.raises(WorldFailed, match="nobody knows"):
            await world.grade()


async def test_the_production_agent_works_in_it_and_its_last_tool_ends_the_run(environment: McpEnvironment) -> None:
    steps = [
        {"tool": "notes/remove", "arguments": {"number": 0}},
        {"tool": "notes/add", "arguments": {"text": "bread"}},
        {"tool": "notes/finish", "arguments": {}},
    ]
    model = ScriptedLLM(lambda messages, ask: canonical_json(steps.pop(0)))
    async with environment.open(task()) as world:
        options = Options(planner="react", equipment="all", memory="full", approve="all", ends_with=world.ends_with)
        run = await run_agent("shop", Deps(llm=model, toolbox=world.toolbox, journal=MemoryJournal()), options=options)
        assert run.status is Status.DONE
        assert (await world.grade()).passed
        assert world.facts()["submitted"] == 1


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"gold": [call("remove", number=9)]}, "gold action 1 .* fails: there is no such note"),
        ({"setup": [call("nothing")]}, "setup call 1 .* fails"),
        ({"state": {}}, "neither files nor probes"),
        ({"gold": [{"tool": "other/add"}]}, "no server of its own has tool 'other/add'"),
        ({"colour": "red"}, "no MCP task"),
        ({"files": {"../x": ""}}, "not relative"),
    ],
)
async def test_a_task_that_cannot_be_opened_says_why(
    environment: McpEnvironment, changed: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(TaskInvalid, match=wrong):
        async with environment.open(task(**changed)):
            pass


async def test_a_server_that_does_not_start_is_the_worlds_failure(environment: McpEnvironment) -> None:
    with pytest.raises(WorldFailed, match="server 'notes' cannot be listed"):
        async with environment.open(task(servers={"notes": {"command": "no-such-program-anywhere"}})):
            pass


async def test_its_tasks_are_verified_by_their_gold_actions() -> None:
    idle = task(gold=[call("list")])
    reasons = [verdict.reason async for verdict in verify([task(), idle, Task(id="x", goal="", environment="y")])]
    assert reasons[0] == ""
    assert "nothing to mend" in reasons[1]
    assert "environment 'y'" in reasons[2]
