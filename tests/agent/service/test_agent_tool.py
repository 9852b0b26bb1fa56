"""The agent as a tool of the gateway, called by a real MCP client."""

from typing import Any

from mcp import Client


async def test_an_mcp_client_hands_a_goal_over_and_gets_the_answer(world: Any, service: Any) -> None:
    world.will_call(world.look, text="milk")
    world.will_answer("two litres")
    async with Client(f"{service.url}/mcp") as client:
        assert "run_agent" in [tool.name for tool in (await client.list_tools()).tools]
        result = await client.call_tool("run_agent", {"goal": "How much milk?"})
    assert not result.is_error
    assert result.content[0].text == "two litres"
    assert result.structured_content["status"] == "done"


async def test_a_run_that_takes_longer_is_looked_at_again_by_its_id(world: Any, service: Any) -> None:
    world.will_call(world.write, text="milk")
    async with Client(f"{service.url}/mcp") as client:
        waiting = await client.call_tool("run_agent", {"goal": "note milk"})
        assert waiting.structured_content["status"] == "waiting"
        run_id = waiting.structured_content["run_id"]
        world.will_answer("noted")
        await service.http.post(f"/runs/{run_id}/approve", json={})
        ended = await client.call_tool("run_agent", {"run_id": run_id})
    assert ended.structured_content["answer"] == "noted"
    assert world.notes == ["milk"]


async def test_a_goal_that_cannot_be_taken_is_answered_with_what_is_wrong(service: Any) -> None:
    async with Client(f"{service.url}/mcp") as client:
        for given in (
            {},
            {"goal": "x", "run_id": "y"},
            {"goal": "x", "options": {"planer": "x"}},
            {"run_id": "nothing"},
        ):
            refused = await client.call_tool("run_agent", given)
            assert refused.is_error, given
