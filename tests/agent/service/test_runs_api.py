"""/runs: what a client of the HTTP API can do with runs."""

import asyncio
import json
from typing import Any

import pytest


async def test_a_run_is_begun_listed_and_shown_with_its_answer(world: Any, service: Any) -> None:
    world.will_call(world.look, text="milk")
    world.will_answer("milk it is")
    run_id = await service.begin("What do we need?")
    shown = await service.ended(run_id)
    assert (shown["status"], shown["answer"], shown["goal"]) == ("done", "milk it is", "What do we need?")
    assert [call["tool_id"] for call in shown["calls"]] == [world.look]
    assert shown["usage"]["calls"] == 2
    listed = (await service.http.get("/runs", params={"status": "done"})).json()["runs"]
    assert [each["id"] for each in listed] == [run_id]
    assert (await service.http.get("/runs", params={"status": "failed"})).json() == {"runs": []}


async def test_events_are_streamed_live_and_again_from_where_a_client_was_cut_off(world: Any, service: Any) -> None:
    world.will_call(world.look, text="milk")
    world.will_answer()
    run_id = await service.begin()
    first = await _events(service, run_id)
    assert first[0]["type"] == "run_started"
    assert first[-1]["status"] == "done"
    ids = [each["id"] for each in first]
    assert ids == list(range(1, len(ids) + 1))
    rest = await _events(service, run_id, **{"last-event-id": str(ids[2])})
    assert [each["id"] for each in rest] == ids[3:]


async def test_a_follower_sees_what_happens_after_a_decision(world: Any, service: Any) -> None:
    world.will_call(world.write, text="milk")
    run_id = await service.begin()
    await service.ended(run_id)
    following = asyncio.create_task(_events(service, run_id))
    world.will_answer()
    await service.http.post(f"/runs/{run_id}/approve", json={})
    events = await asyncio.wait_for(following, 10)
    assert "approval_given" in [each["type"] for each in events]
    assert events[-1]["status"] == "done"
    assert world.notes == ["milk"]


async def test_a_waiting_run_says_what_it_waits_for_and_takes_an_edit(world: Any, service: Any) -> None:
    world.will_call(world.write, text="milk")
    run_id = await service.begin()
    shown = await service.ended(run_id)
    assert shown["status"] == "waiting"
    [asked] = shown["waits_for"]["approve"]
    assert asked["reasons"]
    world.will_answer()
    body = {"call_id": asked["call_id"], "arguments": {"text": "bread"}}
    assert (await service.http.post(f"/runs/{run_id}/approve", json=body)).status_code == 200
    assert (await service.ended(run_id))["status"] == "done"
    assert world.notes == ["bread"]


async def test_a_rejected_call_is_not_made(world: Any, service: Any) -> None:
    world.will_call(world.write, text="milk")
    run_id = await service.begin()
    await service.ended(run_id)
    world.will_answer("not written")
    await service.http.post(f"/runs/{run_id}/reject", json={"reason": "no milk"})
    assert (await service.ended(run_id))["answer"] == "not written"
    assert "no milk" in world.told
    assert world.notes == []


async def test_a_run_is_forked_from_an_event_with_other_options(world: Any, service: Any) -> None:
    world.will_call(world.look, text="milk")
    world.will_answer("first")
    run_id = await service.begin()
    await service.ended(run_id)
    world.will_answer("second")
    made = await service.http.post(f"/runs/{run_id}/fork", json={"at": 1, "options": {"max_steps": 3}})
    assert made.status_code == 201
    forked = await service.ended(made.json()["id"])
    assert (forked["answer"], forked["parent"], forked["options"]["max_steps"]) == ("second", run_id, 3)


async def test_a_run_that_is_cancelled_ends(world: Any, service: Any) -> None:
    world.will_call(world.write, text="milk")
    run_id = await service.begin()
    await service.ended(run_id)
    assert (await service.http.post(f"/runs/{run_id}/cancel")).json()["status"] == "cancelled"
    again = await service.http.post(f"/runs/{run_id}/resume")
    assert again.status_code == 409
    assert "fork" in again.json()["error"]["message"]


async def test_one_run_that_breaks_takes_no_other_down(world: Any, service: Any) -> None:
    broken = await service.begin()  # the list of what the model says is empty
    assert (await service.ended(broken))["status"] == "failed"
    world.will_answer("fine")
    assert (await service.ended(await service.begin()))["answer"] == "fine"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("GET", "/runs/nothing", None, 404, "no run 'nothing'"),
        ("GET", "/runs/nothing/events", None, 404, "no run 'nothing'"),
        ("POST", "/runs", {"goal": ""}, 422, "goal"),
        ("POST", "/runs", {"goal": "x", "options": {"planer": "react"}}, 400, "did you mean 'planner'"),
        ("POST", "/runs", {"goal": "x", "options": {"planner": "magic"}}, 400, "magic"),
        ("POST", "/runs", {"goal": "x", "options": {"approve": "all"}}, 400, "laxer than this service allows"),
        ("POST", "/runs", {"goal": "x", "options": {"guard_reads": "off"}}, 400, "laxer than this service allows"),
        ("POST", "/runs/nothing/approve", {}, 404, "no run"),
    ],
)
async def test_bad_requests_are_told_what_is_wrong(
    service: Any, method: str, path: str, body: Any, status: int, said: str
) -> None:
    answer = await service.http.request(method, path, json=body)
    assert answer.status_code == status
    assert said in answer.text


async def test_the_description_of_the_api_has_every_route(service: Any) -> None:
    described = (await service.http.get("/openapi.json")).json()["paths"]
    for path in ("/runs", "/runs/{run_id}", "/runs/{run_id}/events", "/runs/{run_id}/approve", "/v1/chat/completions"):
        assert path in described


async def _events(service: Any, run_id: str, **headers: str) -> list[dict[str, Any]]:
    """The events of a run until its stream ends, each with its id."""
    events: list[dict[str, Any]] = []
    async with service.http.stream("GET", f"/runs/{run_id}/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "data" and "event" in (data := json.loads(value)):
                events.append({**data["event"], "id": data["seq"]})
    return events
