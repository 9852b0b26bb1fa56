"""`RunState`: where a run stands, folded from its events. Pure: the same events give the same state anywhere."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from agent import event as kinds
from agent.call import Call, Step
from agent.event import Event
from agent.ledger import Ledger
from agent.options import Options, Status
from agent.plan_state import PlanState, plan_after
from agent.revision import Entry
from agent.usage import Usage
from retrieval.tool import ToolId


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Everything that a planner, a prompt and a view may look at.

    steps: settled calls in the order in which they were decided. pending: decided calls that have not settled.
    equipped: revealed tools in the order of their reveal. entries: accepted revisions of memory; the first
    `remembered` steps are in it. failures: corrections so far (steps that failed, plans that did not fit).
    """

    goal: str = ""
    options: Options = field(default_factory=Options)
    status: Status = Status.RUNNING
    reason: str = ""
    steps: tuple[Step, ...] = ()
    pending: tuple[Call, ...] = ()
    ledger: Ledger = field(default_factory=Ledger)
    plan: PlanState | None = None
    equipped: tuple[ToolId, ...] = ()
    equipped_at: dict[ToolId, int] = field(default_factory=dict[ToolId, int])
    """How many steps were settled when each of them was revealed."""
    program: kinds.ProgramWritten | None = None
    programs: int = 0
    """How many programs were written; `program` is the last."""
    schema_name: str = ""
    schema: str = ""
    entries: tuple[Entry, ...] = ()
    folded: int = 0
    """So many of the entries were folded into one value; the rest are amendments."""
    summary: str = ""
    remembered: int = 0
    answer: str | None = None
    usage: Usage = field(default_factory=Usage)
    calls_made: int = 0
    samples: int = 0
    corrections: int = 0
    notes: tuple[str, ...] = ()

    @property
    def raw_steps(self) -> tuple[Step, ...]:
        """The steps that are not in memory and stand in prompts as they are."""
        return self.steps[self.remembered :]

    @property
    def untrusted(self) -> bool:
        """Whether anything that a tool said, and that nobody vouches for, may stand in a prompt."""
        return any(step.untrusted for step in self.steps) or any(entry.untrusted for entry in self.entries)


def after(state: RunState, event: Event) -> RunState:
    """The state with one more event."""
    state = replace(state, ledger=state.ledger.after(event), plan=plan_after(state.plan, event))
    match event:
        case kinds.RunStarted(goal=goal, options=options):
            return replace(state, goal=goal, options=options)
        case kinds.Forked(options=options):
            # A fork takes a new way: whatever was decided and not sent is decided anew.
            return replace(
                state, options=options or state.options, status=Status.RUNNING, reason="", answer=None, pending=()
            )
        case kinds.Resumed():
            return replace(state, status=Status.RUNNING, reason="")
        case kinds.Sampled(usage=usage):
            return replace(state, usage=state.usage + usage, samples=state.samples + 1)
        case kinds.Equipped(tool_ids=ids):
            new = tuple(id_ for id_ in ids if id_ not in state.equipped)
            at = {**state.equipped_at, **dict.fromkeys(new, len(state.steps))}
            return replace(state, equipped=state.equipped + new, equipped_at=at)
        case kinds.LetGo(tool_ids=ids):
            left = tuple(id_ for id_ in state.equipped if id_ not in ids)
            return replace(state, equipped=left, equipped_at={id_: state.equipped_at[id_] for id_ in left})
        case kinds.ProgramWritten():
            return replace(state, program=event, programs=state.programs + 1)
        case kinds.NodeFailed() | kinds.Replanned():
            return replace(state, corrections=state.corrections + 1)
        case kinds.Answered(text=text):
            return replace(state, answer=text)
        case kinds.StatusChanged(status=status, reason=reason):
            return replace(state, status=status, reason=reason)
        case kinds.Noted(text=text):
            return replace(state, notes=(*state.notes, text))
        case _:
            return _acted(state, event) or _remembered(state, event) or state


def _acted(state: RunState, event: Event) -> RunState | None:
    match event:
        case kinds.Acting(calls=calls):
            return replace(state, pending=state.pending + calls)
        case kinds.ApprovalGiven(call_id=id_):
            # The ledger has the call as it was approved, which may be as a person has edited it.
            edited = state.ledger.rows[id_].call
            return replace(state, pending=tuple(edited if call.id == id_ else call for call in state.pending))
        case kinds.CallStarted():
            return replace(state, calls_made=state.calls_made + 1)
        case kinds.CallSettled():
            return _settled(state, event)
        case _:
            return None


def _settled(state: RunState, event: kinds.CallSettled) -> RunState:
    step = Step(
        call=state.ledger.rows[event.call_id].call,
        outcome=event.outcome,
        text=event.text,
        structured=event.structured,
        untrusted=event.untrusted,
        seconds=event.seconds,
    )
    again = next((place for place, each in enumerate(state.steps) if each.call.id == event.call_id), None)
    if again is not None:  # a person has said what became of a call whose outcome was unknown
        return replace(state, steps=(*state.steps[:again], step, *state.steps[again + 1 :]))
    return replace(
        state,
        steps=(*state.steps, step),
        pending=tuple(call for call in state.pending if call.id != event.call_id),
    )


def _remembered(state: RunState, event: Event) -> RunState | None:
    match event:
        case kinds.SchemaChosen(name=name, source=source):
            return replace(state, schema_name=name, schema=source)
        case kinds.Revised(entries=entries, steps=steps):
            return replace(
                state,
                entries=state.entries + entries,
                remembered=state.remembered if steps is None else steps,
            )
        case kinds.Folded():
            return replace(state, folded=len(state.entries))
        case kinds.Summarised(text=text, steps=steps):
            return replace(state, summary=text, remembered=steps)
        case _:
            return None


def fold(events: Iterable[Event], state: RunState | None = None) -> RunState:
    """The state after all these events."""
    state = state or RunState()
    for event in events:
        state = after(state, event)
    return state
