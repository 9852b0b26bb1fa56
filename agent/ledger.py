"""`Ledger`: what became of every tool call of a run. A fold of its events; written ahead, because the journal is."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import msgspec

from agent import event as kinds
from agent.call import Call
from agent.event import Event


class CallState(StrEnum):
    """intended: decided, not sent. started: sent, and nothing heard yet. The others are outcomes."""

    INTENDED = "intended"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One call: what it is, where it stands, how often it was sent, and what was approved.

    `asked` is what a person was asked about it, `approved` the hash that a person said yes to.
    """

    call: Call
    state: CallState = CallState.INTENDED
    attempts: int = 0
    asked: kinds.ApprovalAsked | None = None
    approved: str | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The calls of a run by id, in the order in which they were decided.

    Example:
        Acting(a), CallStarted(a)                      -> a is started: after a crash its outcome is unknown
        Acting(a), CallStarted(a), CallSettled(a, ok)  -> a has succeeded and is never sent again
    """

    rows: dict[str, LedgerRow] = field(default_factory=dict[str, LedgerRow])

    def after(self, event: Event) -> "Ledger":
        """The ledger with one more event."""
        match event:
            case kinds.Acting(calls=calls):
                return Ledger({**self.rows, **{call.id: LedgerRow(call=call) for call in calls}})
            case kinds.ApprovalAsked(call_id=id_):
                return self._with(id_, asked=event)
            case kinds.ApprovalGiven(call_id=id_, hash=approved, arguments=arguments):
                row = self.rows[id_]
                call = row.call if arguments is None else _edited(row.call, arguments)
                return self._with(id_, approved=approved, call=call)
            case kinds.CallStarted(call_id=id_, attempt=attempt):
                return self._with(id_, state=CallState.STARTED, attempts=attempt)
            case kinds.CallSettled(call_id=id_, outcome=outcome):
                return self._with(id_, state=CallState(outcome.value))
            case kinds.Forked():
                return Ledger({id_: _inherited(row) for id_, row in self.rows.items() if _was_sent(row)})
            case _:
                return self

    def _with(self, call_id: str, **changes: object) -> "Ledger":
        return Ledger({**self.rows, call_id: replace(self.rows[call_id], **changes)})  # pyright: ignore[reportArgumentType]

    @property
    def waiting(self) -> list[LedgerRow]:
        """The calls that a person must approve or reject, oldest first."""
        return [row for row in self.in_state(CallState.INTENDED) if row.asked is not None and row.approved is None]

    def in_state(self, *states: CallState) -> list[LedgerRow]:
        """The rows in one of these states, oldest first."""
        return [row for row in self.rows.values() if row.state in states]


def _was_sent(row: LedgerRow) -> bool:
    return row.state is not CallState.INTENDED


def _inherited(row: LedgerRow) -> LedgerRow:
    """A parent's call: what it had sent and not heard of yet may have happened, and is not the fork's to send."""
    return replace(row, state=CallState.UNKNOWN) if row.state is CallState.STARTED else row


def _edited(call: Call, arguments: dict[str, Any]) -> Call:
    return msgspec.structs.replace(call, arguments=arguments)
