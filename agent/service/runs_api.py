"""/runs: create, list, show, resume, fork and cancel runs."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query

from agent.errors import WrongMoment
from agent.options import Options, Status
from agent.plan_picture import to_dict
from agent.run import Run, fork_run, run_view
from agent.runs import Runs
from agent.service.bodies import Forking, NewRun
from agent.service.limits import requested
from agent.state import RunState

BY = "http"


def runs_router(runs: Runs, defaults: Options) -> APIRouter:
    """The routes over some runs; `defaults` are the options of runs that name none."""
    router = APIRouter(prefix="/runs", tags=["runs"])

    @router.post("", status_code=201, summary="Begin a run in the background")
    async def create(body: NewRun) -> dict[str, Any]:
        run_id = await runs.start(body.goal, requested(defaults, body.options))
        return await view(runs, run_id)

    @router.get("", summary="List runs, newest first")
    async def listed(limit: Annotated[int, Query(ge=1, le=500)] = 50, status: Status | None = None) -> dict[str, Any]:
        return {"runs": msgspec.to_builtins(await runs.deps.journal.runs(limit=limit, status=status))}

    @router.get("/{run_id}", summary="Show a run: calls, plan tree, memory, usage")
    async def show(run_id: str) -> dict[str, Any]:
        return await view(runs, run_id)

    @router.post("/{run_id}/resume", summary="Go on with a run that waits or was interrupted")
    async def resume(run_id: str) -> dict[str, Any]:
        state = await runs.state(run_id)
        if state.status.final:
            raise WrongMoment(f"run {run_id!r} has ended ({state.status}): fork it to take another way")
        runs.resume(run_id, by=BY)
        return await view(runs, run_id)

    @router.post("/{run_id}/cancel", summary="End a run for good")
    async def cancel(run_id: str) -> dict[str, Any]:
        await runs.cancel(run_id)
        return await view(runs, run_id)

    @router.post("/{run_id}/fork", status_code=201, summary="A new run that begins as this one did")
    async def fork(run_id: str, body: Forking) -> dict[str, Any]:
        state = await runs.state(run_id)
        options = requested(state.options, body.options) if body.options else None
        forked = await fork_run(run_id, runs.deps, at=body.at, options=options)
        if body.resume:
            runs.resume(forked, by=BY)
        return await view(runs, forked)

    return router


async def view(runs: Runs, run_id: str) -> dict[str, Any]:
    """A run as the API and the page show it."""
    record = await runs.record(run_id)
    state = await runs.state(run_id)
    shown = run_view(Run(id=run_id, state=state))
    shown["created_at"] = record.created_at
    shown["updated_at"] = record.updated_at
    shown["parent"] = record.parent
    shown["at_work"] = runs.at_work(run_id)
    shown["options"] = msgspec.to_builtins(state.options)
    shown["waits_for"] = _waits_for(state)
    shown["equipped"] = list(state.equipped)
    shown["plan"] = to_dict(state.plan) if state.plan is not None else None
    shown["memory"] = [msgspec.to_builtins(entry) for entry in state.entries]
    return shown


def _waits_for(state: RunState) -> dict[str, Any]:
    """What a person is to decide: calls to approve with the reasons, calls to settle, a plan."""
    return {
        "approve": [
            {"call_id": row.call.id, "reasons": list(row.asked.reasons) if row.asked else []}
            for row in state.ledger.waiting
        ],
        "settle": [step.call.id for step in state.steps if step.outcome == "unknown"],
        "plan": state.plan is not None and state.plan.awaits_review,
    }
