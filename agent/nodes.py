"""The nodes of the graph: think, act, review. Each leaves the journal such that running it again does no harm."""

import asyncio
import time
from typing import Any

from agent import approvals
from agent import event as kinds
from agent.budget import OutOfBudget, out_of_steps
from agent.call import Call, Outcome, action_hash
from agent.ledger import CallState, LedgerRow
from agent.options import Status
from agent.planner import Act, Finish, GiveUp, Review
from agent.taint import repeatable
from agent.thinking import Thinking
from mcp_registry.result import ToolResult
from retrieval.tool import ToolSpec


class Paused(Exception):
    """The run waits for a person; the graph turns it into LangGraph's interrupt."""

    def __init__(self, asked: dict[str, Any]) -> None:
        super().__init__(str(asked))
        self.asked = asked


async def think(run: Thinking) -> tuple[Call, ...] | Review | None:
    """The calls to make next; a plan to be reviewed; or None when the run has ended.

    Raises:
        Paused: a call's outcome is unknown, and a person wants to be asked about such.
    """
    if run.state.pending:
        return run.state.pending
    if (last := _ended_by(run)) is not None:
        await run.flush(kinds.Answered(text=last), kinds.StatusChanged(status=Status.DONE))
        return None
    if run.state.options.approve == "ask" and (unknown := run.state.ledger.in_state(CallState.UNKNOWN)):
        raise Paused({"unknown": [row.call.id for row in unknown]})
    try:
        await run.memory.keep(run)
        move = await run.planner.next(run)
        return await _moved(run, move)
    except OutOfBudget as over:
        await run.flush(kinds.StatusChanged(status=over.status, reason=over.reason))
        return None


def _ended_by(run: Thinking) -> str | None:
    """What the tool said that has ended the run (`Options.ends_with`)."""
    steps = run.state.steps
    if not steps or not steps[-1].ok or steps[-1].call.tool_id not in run.state.options.ends_with:
        return None
    return steps[-1].text


async def _moved(run: Thinking, move: Act | Finish | GiveUp | Review) -> tuple[Call, ...] | Review | None:
    match move:
        case Act(calls=calls):
            if over := out_of_steps(run.state):
                raise over
            await run.flush(kinds.Acting(calls=calls))
            return calls
        case Review():
            await run.flush()
            return move
        case Finish(text=text):
            await run.flush(kinds.Answered(text=text), kinds.StatusChanged(status=Status.DONE))
            return None
        case GiveUp(reason=reason):
            await run.flush(kinds.StatusChanged(status=Status.GAVE_UP, reason=reason))
            return None


async def act(run: Thinking, call_id: str) -> None:
    """Make one call, unless the ledger says that it has been made; what came of it is in the journal.

    Raises:
        Paused: a person must approve it first.
    """
    row = run.state.ledger.rows[call_id]
    if row.state not in {CallState.INTENDED, CallState.STARTED}:
        return
    tool = (await run.toolbox.tools([row.call.tool_id])).get(row.call.tool_id)
    if tool is None:
        await _settle(run, row.call, Outcome.FAILED, f"tool {row.call.tool_id!r} is not there any more")
    elif row.state is CallState.STARTED and not repeatable(tool):
        # It was sent by a process that did not live to hear the answer.
        await _settle(run, row.call, Outcome.UNKNOWN, "the run was stopped while it waited for the answer")
    else:
        await _approved(run, row, tool)


async def _approved(run: Thinking, row: LedgerRow, tool: ToolSpec) -> None:
    call, hash_ = row.call, action_hash(tool.fingerprint, row.call.arguments)
    standing = run.toolbox.standing(tool)
    match approvals.needed(call, tool, run.state, standing.decision, read_only=standing.only_reads):
        case approvals.Denied(reason=reason):
            await _settle(run, call, Outcome.REFUSED, reason)
        case ():
            await _send(run, row, tool, hash_)
        case reasons:
            if row.asked is None or row.asked.hash != hash_:
                await run.flush(
                    kinds.ApprovalAsked(call_id=call.id, hash=hash_, reasons=reasons, fingerprint=tool.fingerprint)
                )
            raise Paused({"call": call.id, "tool": call.tool_id, "arguments": call.arguments, "reasons": list(reasons)})


async def _send(run: Thinking, row: LedgerRow, tool: ToolSpec, hash_: str) -> None:
    await run.flush(kinds.CallStarted(call_id=row.call.id, hash=hash_, attempt=row.attempts + 1))
    started = time.monotonic()
    options = run.state.options
    try:
        async with asyncio.timeout(options.call_timeout_s + 5.0):
            result = await run.toolbox.call(tool, row.call.arguments, key=row.call.id, timeout_s=options.call_timeout_s)
    except TimeoutError:
        result = ToolResult.error(f"no answer within {options.call_timeout_s:g} s", unknown=True)
    outcome = Outcome.UNKNOWN if result.unknown else Outcome.FAILED if result.is_error else Outcome.SUCCEEDED
    if outcome is Outcome.UNKNOWN and repeatable(tool):
        outcome = Outcome.FAILED  # whether it ran makes no difference: it may simply be called again
    await run.flush(
        kinds.CallSettled(
            call_id=row.call.id,
            outcome=outcome,
            text=result.text,
            structured=result.raw.get("structuredContent"),
            untrusted=not run.toolbox.standing(tool).trusted,
            seconds=time.monotonic() - started,
        )
    )


async def _settle(run: Thinking, call: Call, outcome: Outcome, text: str) -> None:
    await run.flush(kinds.CallSettled(call_id=call.id, outcome=outcome, text=text, untrusted=False))
