"""/runs/{id}/approve, reject, settle: what a person decides about a waiting run."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter

from agent import decisions
from agent.errors import WrongMoment
from agent.event import Event
from agent.runs import Runs
from agent.service.bodies import Approval, Rejection, Settlement
from agent.service.runs_api import BY, view
from agent.state import RunState


def decisions_router(runs: Runs) -> APIRouter:
    """The routes over some runs. Each resumes the run, unless `resume` is off."""
    router = APIRouter(prefix="/runs", tags=["decisions"])

    @router.post("/{run_id}/approve", summary="Approve a call or a plan that the run waits with")
    async def approve(run_id: str, body: Approval) -> dict[str, Any]:
        state = await runs.state(run_id)
        if body.plan:
            events = decisions.approve_plan(state, by=BY)
        else:
            events = decisions.approve(state, _call(state, body.call_id), by=BY, arguments=body.arguments)
        return await _decided(runs, run_id, events, resume=body.resume)

    @router.post("/{run_id}/reject", summary="Reject a call or a plan that the run waits with")
    async def reject(run_id: str, body: Rejection) -> dict[str, Any]:
        state = await runs.state(run_id)
        if body.plan:
            events = decisions.refuse_plan(state, by=BY, reason=body.reason)
        else:
            events = decisions.reject(state, _call(state, body.call_id), by=BY, reason=body.reason)
        return await _decided(runs, run_id, events, resume=body.resume)

    @router.post("/{run_id}/settle", summary="Say what became of a call whose outcome is unknown")
    async def settle(run_id: str, body: Settlement) -> dict[str, Any]:
        state = await runs.state(run_id)
        events = decisions.settle_unknown(state, body.call_id, body.became, by=BY, text=body.text)
        return await _decided(runs, run_id, events, resume=body.resume)

    return router


async def _decided(runs: Runs, run_id: str, events: Sequence[Event], *, resume: bool) -> dict[str, Any]:
    await runs.write(run_id, *events)
    if resume and not runs.at_work(run_id):
        runs.resume(run_id, by=BY)
    return await view(runs, run_id)


def _call(state: RunState, call_id: str | None) -> str:
    waiting = [row.call.id for row in state.ledger.waiting]
    if call_id is None and len(waiting) != 1:
        raise WrongMoment(f"{len(waiting)} calls wait for approval: name one in call_id ({', '.join(waiting)})")
    return call_id or waiting[0]
