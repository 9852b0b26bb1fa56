"""/v1: the agent behind the API that every OpenAI client speaks."""

import json
from typing import Any


async def test_the_agent_is_listed_as_models(service: Any) -> None:
    listed = (await service.http.get("/v1/models")).json()["data"]
    assert "quartermaster/react" in [model["id"] for model in listed]


async def test_a_conversation_is_answered_with_tools(world: Any, service: Any) -> None:
    world.will_call(world.look, text="milk")
    world.will_answer("two litres")
    body = {
        "model": "quartermaster/react",
        "messages": [
            {"role": "user", "content": "We cook."},
            {"role": "assistant", "content": "What?"},
            {"role": "user", "content": [{"type": "text", "text": "How much milk?"}]},
        ],
    }
    said = (await service.http.post("/v1/chat/completions", json=body)).json()
    assert said["choices"][0]["message"] == {"role": "assistant", "content": "two litres"}
    assert said["usage"]["total_tokens"] > 0
    goal = (await service.runs.state(said["quartermaster"]["run_id"])).goal
    assert goal.startswith("How much milk?")
    assert "user: We cook." in goal


async def test_a_streamed_answer_tells_what_is_done_and_then_the_answer(world: Any, service: Any) -> None:
    world.will_call(world.look, text="milk")
    world.will_answer("two litres")
    body = {"model": "quartermaster/react", "stream": True, "messages": [{"role": "user", "content": "milk?"}]}
    deltas, last = [], ""
    async with service.http.stream("POST", "/v1/chat/completions", json=body) as answer:
        async for line in answer.aiter_lines():
            last = line or last
            if line.startswith("data: {"):
                deltas.append(json.loads(line[6:])["choices"][0]["delta"])
    assert last == "data: [DONE]"
    assert "".join(delta.get("content", "") for delta in deltas) == "two litres"
    assert world.look in "".join(delta.get("reasoning_content", "") for delta in deltas)


async def test_a_run_that_needs_a_person_says_so_in_its_answer(world: Any, service: Any) -> None:
    world.will_call(world.write, text="milk")
    body = {"messages": [{"role": "user", "content": "note milk"}], "model": "quartermaster/react"}
    said = (await service.http.post("/v1/chat/completions", json=body)).json()
    assert "waits for a person" in said["choices"][0]["message"]["content"]
    assert said["quartermaster"]["status"] == "waiting"
    assert world.notes == []


async def test_what_is_no_model_or_no_question_is_refused(service: Any) -> None:
    for body in (
        {"model": "gpt-9", "messages": [{"role": "user", "content": "x"}]},
        {"messages": [{"role": "system", "content": "x"}]},
    ):
        refused = await service.http.post("/v1/chat/completions", json=body)
        assert refused.status_code == 400
        assert refused.json()["error"]["message"]
