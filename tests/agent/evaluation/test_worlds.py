"""The simulated worlds keep what their tools' hints promise, and account for every change."""

from collections.abc import Iterator
from typing import Any

import pytest

from agent.evaluation.mind import Mind, Rates
from agent.evaluation.tasks import WORLDS, draw_task
from agent.evaluation.world import World, dice
from agent.evaluation.world_toolbox import WorldToolbox
from agent.evaluation.worlds.database import Database
from mcp_registry.policy import Decision


def _now(world: World[Any]) -> Any:
    """The state as something that can be compared; what was only seen does not count."""
    state = world.state
    if isinstance(state, Database):
        return list(state.connection.iterdump())
    copy = state.copy()
    if hasattr(copy, "seen"):
        copy.seen = set()
    return copy


def _calls(kind: str, count: int) -> Iterator[tuple[World[Any], str, dict[str, Any]]]:
    """Right and wrong calls along the right ways of some tasks; each call's world is as it was just before."""
    for seed in range(count):
        task = draw_task(kind, seed)
        world = task.world.twin()
        mind = Mind(task, world, rates=Rates(wrong_tool=0.3, wrong_argument=0.2), seed=seed)
        for step in task.gold:
            for number in range(3):
                other = mind.act(dice(seed, number)) or step
                yield world, other.tool, other.arguments
            yield world, step.tool, step.arguments
            world.do(step.tool, step.arguments)


@pytest.mark.parametrize("kind", WORLDS)
def test_a_tool_that_says_it_reads_changes_nothing(kind: str) -> None:
    read = 0
    for world, tool, arguments in _calls(kind, 10):
        if world.tools[tool].spec.read_only:
            before = _now(world)
            world.do(tool, arguments)
            assert _now(world) == before
            read += 1
    assert read


@pytest.mark.parametrize("kind", WORLDS)
def test_a_tool_that_says_it_is_idempotent_changes_nothing_the_second_time(kind: str) -> None:
    for world, tool, arguments in _calls(kind, 10):
        if (world.tools[tool].spec.annotations or {})["idempotentHint"]:
            twin = world.twin()
            twin.do(tool, arguments)
            once = _now(twin)
            twin.do(tool, arguments)
            assert _now(twin) == once


@pytest.mark.parametrize("kind", WORLDS)
def test_a_refused_call_changes_nothing(kind: str) -> None:
    refused = 0
    for world, tool, arguments in _calls(kind, 10):
        twin = world.twin()
        before = _now(twin)
        if not twin.do(tool, arguments).ok:
            assert _now(twin) == before
            assert not twin.effects
            refused += 1
    assert refused


@pytest.mark.parametrize("kind", WORLDS)
def test_a_snapshot_brings_the_world_back(kind: str) -> None:
    task = draw_task(kind, 1)
    world = task.world.twin()
    before, snapshot = _now(world), world.snapshot()
    for step in task.gold:
        world.do(step.tool, step.arguments)
    assert _now(world) != before
    world.restore(snapshot)
    assert _now(world) == before
    assert _now(task.world) == before, "the twin's changes are its own"


@pytest.mark.parametrize("kind", WORLDS)
def test_every_change_is_logged_under_the_key_of_its_call(kind: str) -> None:
    task = draw_task(kind, 2)
    world = task.world.twin()
    for number, step in enumerate(task.gold):
        world.call(step.tool, step.arguments, key=f"call-{number}")
    changing = [
        (f"call-{number}", step.tool)
        for number, step in enumerate(task.gold)
        if not world.tools[step.tool].spec.read_only
    ]
    assert [(effect.key, effect.tool) for effect in world.effects] == changing
    assert len(world.log) == len(task.gold)


@pytest.mark.parametrize("kind", WORLDS)
async def test_a_world_is_a_toolbox(kind: str) -> None:
    world = draw_task(kind, 0).world.twin()
    toolbox = WorldToolbox(world, ask=frozenset(list(world.tools)[:1]), trust=False)
    tools = await toolbox.tools()
    assert 8 <= len(tools) <= 20
    first, second, *_ = tools.values()
    assert (await toolbox.tools([first.tool_id, "nothing/there"])) == {first.tool_id: first}
    assert (await toolbox.search([first.description], 3))[0] == first
    assert toolbox.standing(first).decision is Decision.ASK
    assert toolbox.standing(second).decision is Decision.ALLOW
    assert not toolbox.standing(first).trusted


async def test_wrong_arguments_and_unknown_tools_are_results_that_say_so() -> None:
    world = draw_task("files", 0).world.twin()
    assert world.call("read_file", {"file": "/x"}).is_error
    assert "no such file" in world.call("read_file", {"path": "/x"}).text
    assert "no tool" in world.call("fly", {}).text


async def test_tools_of_other_servers_are_listed_and_do_nothing() -> None:
    other = draw_task("home", 0).world
    spec = other.tools["walk_to"].spec
    world = draw_task("files", 0).world.twin()
    toolbox = WorldToolbox(world, others=[spec])
    assert spec.tool_id in await toolbox.tools()
    result = await toolbox.call(spec, {"room": "kitchen"}, key="1", timeout_s=None)
    assert result.is_error
    assert not world.log


def test_a_database_reads_sql_and_never_writes_by_it() -> None:
    world = WORLDS["database"][0](3)
    assert "rows" in world.call("query", {"sql": "SELECT count(*) AS n FROM customers"}).raw["structuredContent"]
    assert world.call("query", {"sql": "DELETE FROM customers"}).is_error
    assert world.call("query", {"sql": "nonsense"}).is_error
    assert "CREATE TABLE" in world.call("describe_table", {"table": "orders"}).text
