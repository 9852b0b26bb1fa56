"""/runs/{id}/events: a run's events as server-sent events, from any of them on."""

from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from agent.runs import Runs


def events_router(runs: Runs) -> APIRouter:
    """The route over some runs. The id of an event is its `seq`, so a client that was cut off misses nothing."""
    router = APIRouter(prefix="/runs", tags=["runs"])

    async def existing(run_id: str) -> None:
        await runs.record(run_id)

    @router.get(
        "/{run_id}/events",
        dependencies=[Depends(existing)],  # once a stream has begun it is too late to say that there is no such run
        response_class=EventSourceResponse,
        summary="Follow a run: its events so far, then live; resumes after Last-Event-ID",
    )
    async def events(
        run_id: str,
        after: Annotated[int, Query(ge=0)] = 0,
        last_event_id: Annotated[int | None, Header()] = None,
    ) -> AsyncGenerator[ServerSentEvent]:
        async for each in runs.follow(run_id, after=last_event_id if last_event_id is not None else after):
            if isinstance(each, str):
                yield ServerSentEvent(event="text", data={"text": each})
            else:
                kind = each.event.__struct_config__.tag
                yield ServerSentEvent(event=str(kind), id=str(each.seq), raw_data=msgspec.json.encode(each).decode())

    return router
