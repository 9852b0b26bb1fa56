"""What a person decides about a waiting run: approve, edit, reject, a whole plan, what became of a call.

Each only writes to the journal; `resume_run` goes on from there, in this process or another, now or next week.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from agent import event as kinds
from agent.call import Outcome, action_hash
from agent.errors import WrongMoment
from agent.event import Event
from agent.journal import Journal
from agent.ledger import CallState
from agent.state import RunState


def approve(state: RunState, call_id: str, *, by: str, arguments: dict[str, Any] | None = None) -> list[Event]:
    """The events of an approval; with `arguments` the call is made with these instead.

    The approval holds for this tool as it was published when it was asked for, and for these arguments only.

    Raises:
        WrongMoment: no approval is asked for this call.
    """
    asked = _waiting(state, call_id)
    hash_ = asked.hash if arguments is None else action_hash(asked.fingerprint, arguments)
    return [kinds.ApprovalGiven(call_id=call_id, hash=hash_, by=by, arguments=arguments)]


def reject(state: RunState, call_id: str, *, by: str, reason: str = "") -> list[Event]:
    """The events of a refusal: the call never runs, and the model is told why.

    Raises:
        WrongMoment: no approval is asked for this call.
    """
    _waiting(state, call_id)
    text = f"A person did not allow this call{f': {reason}' if reason else '.'}"
    return [kinds.CallSettled(call_id=call_id, outcome=Outcome.REFUSED, text=text, untrusted=False, by=by)]


def settle_unknown(state: RunState, call_id: str, became: str, *, by: str, text: str = "") -> list[Event]:
    """The events of saying what became of a call: `succeeded`, `failed`, or `retry` (it did not run; run it now).

    Raises:
        WrongMoment: the call's outcome is not unknown, or `became` is none of the three.
    """
    row = state.ledger.rows.get(call_id)
    if row is None or row.state is not CallState.UNKNOWN:
        unknown = [each.call.id for each in state.ledger.in_state(CallState.UNKNOWN)]
        raise WrongMoment(f"the outcome of call {call_id!r} is not unknown; unknown: {', '.join(unknown) or 'none'}")
    if became not in {"succeeded", "failed", "retry"}:
        raise WrongMoment(f"a call has succeeded, failed, or is to be retried: not {became!r}")
    outcome = Outcome.SUCCEEDED if became == "succeeded" else Outcome.FAILED
    told = text or f"A person has looked: it {'did not run' if became == 'retry' else became}."
    settled = kinds.CallSettled(call_id=call_id, outcome=outcome, text=told, untrusted=False, by=by)
    if became != "retry":
        return [settled]
    again = msgspec.structs.replace(row.call, id=f"{call_id}+{len(state.ledger.rows)}")
    approved = [] if row.approved is None else [kinds.ApprovalGiven(call_id=again.id, hash=row.approved, by=by)]
    return [settled, kinds.Acting(calls=(again,)), *approved]


def approve_plan(state: RunState, *, by: str) -> list[Event]:
    """The events of approving a plan tree: its calls that were whole when it was shown need no other approval.

    Raises:
        WrongMoment: no plan waits.
    """
    return [kinds.PlanApproved(by=by, hashes=_review(state).hashes)]


def refuse_plan(state: RunState, *, by: str, reason: str = "") -> list[Event]:
    """The events of refusing a plan tree: others are made with the reason in view.

    Raises:
        WrongMoment: no plan waits.
    """
    _review(state)
    return [kinds.PlanRefused(by=by, reason=reason)]


async def decide(journal: Journal, run_id: str, events: Sequence[Event]) -> None:
    """Write a person's decision down."""
    await journal.append(run_id, events)


def _waiting(state: RunState, call_id: str) -> kinds.ApprovalAsked:
    waiting = {row.call.id: row.asked for row in state.ledger.waiting if row.asked is not None}
    if call_id not in waiting:
        raise WrongMoment(f"no approval is asked for call {call_id!r}; asked for: {', '.join(waiting) or 'none'}")
    return waiting[call_id]


def _review(state: RunState) -> kinds.ReviewAsked:
    if state.plan is None or state.plan.review is None:
        raise WrongMoment("no plan of this run waits for approval")
    return state.plan.review
