"""/v1: the agent as a model, so that any OpenAI client can use it."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from agent import event as kinds
from agent.errors import BadAgentSettings
from agent.event import Recorded
from agent.options import Options, Status
from agent.runs import Runs
from agent.service.limits import requested
from agent.state import RunState
from retrieval.tool import canonical_json

MODEL = "quartermaster"
PLANNERS = ("tree", "react", "plan-execute", "local-replan", "global-replan")


class ChatMessage(BaseModel):
    """One turn; content is a text, or parts of which the texts count."""

    role: str
    content: str | list[dict[str, Any]] | None = None


class ChatRequest(BaseModel):
    """What is used of an OpenAI request. `model`: quartermaster, or quartermaster/PLANNER. Other fields are ignored."""

    model: str = MODEL
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool = False
    max_tokens: int | None = None
    seed: int | None = None


def openai_router(runs: Runs, defaults: Options) -> APIRouter:
    """/v1/models and /v1/chat/completions over some runs."""
    router = APIRouter(prefix="/v1", tags=["OpenAI"])

    @router.get("/models", summary="The agent, once for each planner")
    async def models() -> dict[str, Any]:
        names = [MODEL, *(f"{MODEL}/{planner}" for planner in PLANNERS)]
        return {"object": "list", "data": [{"id": name, "object": "model", "owned_by": MODEL} for name in names]}

    @router.post("/chat/completions", response_model=None, summary="Pursue the goal of a conversation")
    async def complete(body: ChatRequest, request: Request) -> JSONResponse | StreamingResponse:
        run_id = await runs.start(goal_of(body.messages), _options(body, defaults))
        if body.stream:
            return StreamingResponse(_chunks(runs, run_id, body.model), media_type="text/event-stream")
        await _until_done(runs, run_id, request)
        return JSONResponse(_completion(run_id, await runs.state(run_id), body.model))

    return router


def goal_of(messages: list[ChatMessage]) -> str:
    """The last thing that the user said, with the conversation before it, if there was one.

    Raises:
        BadAgentSettings: the user said nothing.
    """
    said = [(message.role, _text(message)) for message in messages]
    asked = next((text for role, text in reversed(said) if role == "user" and text.strip()), "")
    if not asked:
        raise BadAgentSettings("no message of the user has a text")
    before = [f"{role}: {text}" for role, text in said[: len(said) - 1] if text]
    if not before:
        return asked
    return "\n".join([asked, "", "What was said before:", *before])


def _text(message: ChatMessage) -> str:
    if isinstance(message.content, list):
        return "\n".join(str(part.get("text", "")) for part in message.content if part.get("type") == "text")
    return message.content or ""


def _options(body: ChatRequest, defaults: Options) -> Options:
    model, _, planner = body.model.partition("/")
    if model != MODEL:
        raise BadAgentSettings(f"there is no model {body.model!r}; GET /v1/models lists those there are")
    given = {"planner": planner or None, "seed": body.seed}
    return requested(defaults, {name: value for name, value in given.items() if value is not None})


async def _until_done(runs: Runs, run_id: str, request: Request) -> None:
    """Until the run ends or waits; a client that goes away takes its run along."""
    waiting = asyncio.create_task(runs.wait(run_id))
    gone = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            await runs.cancel(run_id)
    finally:
        waiting.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def said_of(run_id: str, state: RunState) -> str:
    """What a chat client is told of a run that let go: its answer, or why there is none and what can be done."""
    if state.answer is not None:
        return state.answer
    if state.status is Status.WAITING:
        return f"Run {run_id} waits for a person: {state.reason}. Decide on the page or with /runs/{run_id}/approve."
    return f"Run {run_id} ended without an answer ({state.status.value}): {state.reason}"


def _completion(run_id: str, state: RunState, model: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{run_id}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": said_of(run_id, state)},
                "finish_reason": "stop" if state.answer is not None else "length",
            }
        ],
        "usage": {
            "prompt_tokens": state.usage.encoded,
            "completion_tokens": state.usage.decoded,
            "total_tokens": state.usage.tokens,
            "prompt_tokens_details": {"cached_tokens": state.usage.cached},
        },
        "quartermaster": {"run_id": run_id, "status": state.status.value},
    }


async def _chunks(runs: Runs, run_id: str, model: str) -> AsyncGenerator[bytes]:
    """What the agent does as reasoning, then its answer; a client that goes away takes its run along."""
    done = False
    try:
        async for each in runs.follow(run_id, to_the_end=False):
            if isinstance(each, Recorded) and (text := progress_of(each)):
                yield _chunk(run_id, model, {"reasoning_content": text})
        done = True
        state = await runs.state(run_id)
        yield _chunk(run_id, model, {"role": "assistant", "content": said_of(run_id, state)})
        yield _chunk(run_id, model, {}, finish="stop" if state.answer is not None else "length")
        yield b"data: [DONE]\n\n"
    finally:
        if not done and runs.at_work(run_id):
            await asyncio.shield(runs.cancel(run_id))


def progress_of(recorded: Recorded) -> str:
    """One line of what happened, for clients that show the model's reasoning."""
    match recorded.event:
        case kinds.Acting(calls=calls):
            return "".join(f"{call.tool_id} {canonical_json(call.arguments)}\n" for call in calls)
        case kinds.CallSettled(outcome=outcome, text=text):
            return f"-> {outcome.value}: {text[:200]}\n"
        case kinds.Noted(text=text):
            return f"{text}\n"
        case _:
            return ""


def _chunk(run_id: str, model: str, delta: dict[str, Any], finish: str | None = None) -> bytes:
    chunk = {
        "id": f"chatcmpl-{run_id}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"
