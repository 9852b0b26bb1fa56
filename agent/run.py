"""`run_agent`: from a goal to an answer. The one agent loop: commands, the HTTP API and training all call it."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

import msgspec

from agent import event as kinds
from agent.deps import Deps
from agent.errors import AgentError, BadAgentSettings, UnknownRun, WrongMoment
from agent.ledger import CallState
from agent.options import Options, Status
from agent.state import RunState, fold
from agent.thinking import Thinking

_LIMIT = 1_000_000
"""LangGraph's own limit of steps; a run's is `Options.max_steps`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as it stands when the agent let go of it."""

    id: str
    state: RunState

    @property
    def status(self) -> Status:
        return self.state.status

    @property
    def answer(self) -> str | None:
        return self.state.answer


class Drain:
    """Asks runs to stop after the step that they are at; they are resumed by id."""

    def __init__(self) -> None:
        self.wanted = False
        self._controls: list[Any] = []

    def request(self) -> None:
        """Let no run begin another step."""
        self.wanted = True
        for control in self._controls:
            control.request_drain()

    def control(self) -> Any:
        """LangGraph's handle for one run."""
        from langgraph.runtime import RunControl

        made = RunControl()
        self._controls.append(made)
        if self.wanted:
            made.request_drain()
        return made


def new_run_id() -> str:
    """Twelve characters that no other run has."""
    return uuid.uuid4().hex[:12]


async def run_agent(
    goal: str, deps: Deps, *, options: Options | None = None, run_id: str | None = None, drain: Drain | None = None
) -> Run:
    """Pursue a goal until it is reached, a budget ends, or a person must be asked; the status says which.

    Raises:
        BadAgentSettings: the goal is empty. WrongMoment: there is a run of that id.
        LlmUnavailable: the model cannot be reached; what was done is kept, and the run can be resumed.
    """
    return await pursue(await begin(goal, deps, options=options, run_id=run_id), deps, drain=drain)


async def begin(goal: str, deps: Deps, *, options: Options | None = None, run_id: str | None = None) -> Thinking:
    """A run with its first event written, and nothing done yet: `pursue` it.

    Raises:
        BadAgentSettings: the goal is empty. WrongMoment: there is a run of that id.
    """
    if not goal.strip():
        raise BadAgentSettings("the goal is empty: say in plain words what is to be done")
    run_id = run_id or new_run_id()
    if await deps.journal.run(run_id) is not None:
        raise WrongMoment(f"there is a run {run_id!r} already: resume it, or choose another id")
    options = options or Options()
    run = _thinking(run_id, RunState(options=options), deps)
    await run.flush(kinds.RunStarted(goal=goal, options=options))
    return run


async def pursue(run: Thinking, deps: Deps, *, drain: Drain | None = None) -> Run:
    """Work on a run that has just begun."""
    async with deps.journal.lease(run.run_id):
        return await _drive(run, deps, fresh=True, drain=drain)


async def resume_run(run_id: str, deps: Deps, *, by: str = "", drain: Drain | None = None) -> Run:
    """Go on with a run that waits, was drained, or whose process ended. No call that has had its effect is repeated.

    Raises:
        UnknownRun: there is no such run. WrongMoment: it has ended. StoreError: another process works on it.
    """
    async with deps.journal.lease(run_id):
        state = await state_of(run_id, deps)
        if state.status.final:
            raise WrongMoment(f"run {run_id!r} has ended ({state.status}): fork it to take another way")
        run = _thinking(run_id, state, deps)
        await run.flush(kinds.Resumed(by=by))
        return await _drive(run, deps, fresh=False, drain=drain)


async def fork_run(
    run_id: str, deps: Deps, *, at: int | None = None, options: Options | None = None, new_id: str | None = None
) -> str:
    """The id of a new run that has the events of this one up to `at` (all, when not given); resume it to go on.

    What the parent's calls did to the world stays done: a fork goes back in what the agent knows, not in the world.

    Raises:
        UnknownRun: there is no such run. BadAgentSettings: `at` lies outside it.
    """
    recorded = await deps.journal.events(run_id)
    if not recorded:
        raise UnknownRun(f"there is no run {run_id!r}; `quartermaster runs list` shows those there are")
    at = recorded[-1].seq if at is None else at
    if not 1 <= at <= recorded[-1].seq:
        raise BadAgentSettings(f"run {run_id!r} has events 1 to {recorded[-1].seq}, not {at}")
    new_id = new_id or new_run_id()
    kept = [each.event for each in recorded[:at] if not isinstance(each.event, kinds.StatusChanged)]
    await deps.journal.append(new_id, [*kept, kinds.Forked(parent=run_id, at=at, options=options)])
    return new_id


async def state_of(run_id: str, deps: Deps) -> RunState:
    """Where a run stands.

    Raises:
        UnknownRun: there is no such run.
    """
    recorded = await deps.journal.events(run_id)
    if not recorded:
        raise UnknownRun(f"there is no run {run_id!r}; `quartermaster runs list` shows those there are")
    return fold(each.event for each in recorded)


def _thinking(run_id: str, state: RunState, deps: Deps) -> Thinking:
    return Thinking(run_id, state, deps, deps.choose(state.options, deps.llm))


async def _drive(run: Thinking, deps: Deps, *, fresh: bool, drain: Drain | None = None) -> Run:
    """Run the graph until it ends or pauses, and write down how it stands then; `fresh` when it never ran before."""
    from langgraph.errors import GraphDrained

    from agent.graph import AtWork

    graph = deps.graph
    config = {"configurable": {"thread_id": run.run_id}, "recursion_limit": _LIMIT}
    begin: Any = {"turns": 0}
    if not fresh:
        # A cursor that still has tasks to do goes on from there; otherwise the journal says all that is needed.
        begin = None if (await graph.aget_state(config)).next else begin
    # The journal is written ahead of everything; the cursor is only needed where a run is let go of.
    options: dict[str, Any] = {"context": AtWork(run), "durability": "exit"}
    if drain is not None:
        options["control"] = drain.control()
    try:
        ended = await graph.ainvoke(begin, config, **options)
    except GraphDrained:
        await run.flush(kinds.StatusChanged(status=Status.INTERRUPTED, reason="drained: resume it to go on"))
    except asyncio.CancelledError:
        await asyncio.shield(
            run.flush(kinds.StatusChanged(status=Status.INTERRUPTED, reason="stopped: resume it to go on"))
        )
        raise
    except AgentError as error:
        await run.flush(kinds.StatusChanged(status=Status.INTERRUPTED, reason=str(error)))
        raise
    else:
        if ended.get("__interrupt__"):
            await run.flush(kinds.StatusChanged(status=Status.WAITING, reason=_waits_for(run.state)))
    if run.state.status.final:
        await graph.checkpointer.adelete_thread(run.run_id)  # nothing is left to go on from, and the journal has it all
    return Run(id=run.run_id, state=run.state)


def _waits_for(state: RunState) -> str:
    if waiting := state.ledger.waiting:
        return f"approve or reject: {', '.join(row.call.tool_id for row in waiting)}"
    if unknown := state.ledger.in_state(CallState.UNKNOWN):
        return f"say what became of: {', '.join(row.call.tool_id for row in unknown)}"
    return "approve or refuse the plan"


def run_view(run: Run) -> dict[str, Any]:
    """A run as plain JSON: what `--json` and the HTTP API give."""
    state = run.state
    texts = {step.call.id: step.text for step in state.steps}
    return {
        "id": run.id,
        "goal": state.goal,
        "status": state.status.value,
        "reason": state.reason,
        "answer": state.answer,
        "calls": [
            {
                "id": row.call.id,
                "tool_id": row.call.tool_id,
                "arguments": row.call.arguments,
                "state": row.state.value,
                "attempts": row.attempts,
                "text": texts.get(row.call.id),
            }
            for row in state.ledger.rows.values()
        ],
        "usage": {**msgspec.to_builtins(state.usage), "net_encoded": state.usage.net_encoded},
        "corrections": state.corrections,
        "notes": list(state.notes),
    }
