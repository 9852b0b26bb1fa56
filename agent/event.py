"""`Event`: one thing that happened in a run. The journal of events is the run; all else is folded from it."""

from typing import Any, Literal

import msgspec

from agent.call import Call, Outcome
from agent.llm import Purpose
from agent.message import Message
from agent.options import Options, Status
from agent.revision import Entry
from agent.usage import Usage
from retrieval.tool import ToolId


class _Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    pass


class RunStarted(_Event, frozen=True, kw_only=True, tag="run_started"):
    goal: str
    options: Options


class Forked(_Event, frozen=True, kw_only=True, tag="forked"):
    """This run goes on from event `at` of its parent; the events before are the parent's, copied."""

    parent: str
    at: int
    options: Options | None = None


class Resumed(_Event, frozen=True, kw_only=True, tag="resumed"):
    by: str = ""


class Sampled(_Event, frozen=True, kw_only=True, tag="sampled"):
    """One call of the model. Its prompt is the first `keep` messages of that of call `base`, and then `messages`.

    Calls are numbered from 0; only what is new is stored, so that a long run stays linear.
    """

    purpose: Purpose
    model: str
    usage: Usage
    texts: tuple[str, ...]
    base: int | None = None
    keep: int = 0
    messages: tuple[Message, ...] = ()


class Equipped(_Event, frozen=True, kw_only=True, tag="equipped"):
    """Tools were revealed to the model, in this order."""

    tool_ids: tuple[ToolId, ...]
    queries: tuple[str, ...] = ()


class LetGo(_Event, frozen=True, kw_only=True, tag="let_go"):
    """Tools were taken from the prompt again, to keep its budget."""

    tool_ids: tuple[ToolId, ...]


class PlannedCall(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a sampled plan; arguments may hold references to earlier results (agent/references)."""

    tool_id: ToolId
    arguments: dict[str, Any]


class PlanMade(_Event, frozen=True, kw_only=True, tag="plan_made"):
    """Plans were sampled; those with unknown tools or wrong arguments were dropped, with the reason.

    prefix: the calls already made when these were sampled (0 for the first). untrusted_prompt: a tool's text stood in
    the prompt.
    """

    plans: tuple[tuple[PlannedCall, ...], ...]
    sampled: int
    dropped: tuple[str, ...] = ()
    prefix: int = 0
    untrusted_prompt: bool = False
    cost: dict[str, float] = {}
    """What the cost model expects of it: tokens, calls, US dollars."""


class ReviewAsked(_Event, frozen=True, kw_only=True, tag="review_asked"):
    """A person is to look at the plan tree before it goes on; `hashes` are those of its calls that are whole already.

    A call with references to results that are not there yet has no hash: it is asked for when it is made.
    """

    summary: str
    hashes: tuple[str, ...] = ()


class PlanApproved(_Event, frozen=True, kw_only=True, tag="plan_approved"):
    """A person has approved every call of the tree that has literal arguments."""

    by: str
    hashes: tuple[str, ...] = ()


class PlanRefused(_Event, frozen=True, kw_only=True, tag="plan_refused"):
    by: str
    reason: str = ""


class Decided(_Event, frozen=True, kw_only=True, tag="decided"):
    """A child of the plan tree was taken: its place, how, and the votes where there were any.

    A last key of `NONE` says that no child was. answer: one answer of the model. fallback: it gave none that could be
    used, and the child that most plans share was taken. untrusted: a tool's text stood in the prompt of the choice.
    """

    path: tuple[str, ...]
    by: Literal["single", "logprobs", "votes", "answer", "fallback", "reactive"]
    votes: dict[str, float] = {}
    untrusted: bool = False


class NodeFailed(_Event, frozen=True, kw_only=True, tag="node_failed"):
    """A step of the plan tree failed; it is not tried again."""

    path: tuple[str, ...]
    error: str


class Climbed(_Event, frozen=True, kw_only=True, tag="climbed"):
    """The run went back up the tree to `path`, past steps that may be undone or ignored; `error` says why."""

    path: tuple[str, ...]
    error: str = ""


class Replanned(_Event, frozen=True, kw_only=True, tag="replanned"):
    """A correction by a new plan or a new step: what the model was told had gone wrong.

    call_id, path: the call and the place in the plan that it corrects, where it is one that went wrong.
    """

    error: str
    call_id: str = ""
    path: tuple[str, ...] = ()


class ProgramWritten(_Event, frozen=True, kw_only=True, tag="program_written"):
    """Code mode: the model wrote a program. untrusted_prompt: a tool's text stood in the prompt."""

    source: str
    untrusted_prompt: bool = False


class Acting(_Event, frozen=True, kw_only=True, tag="acting"):
    """These calls will be made; they are pending until each has settled."""

    calls: tuple[Call, ...]


class ApprovalAsked(_Event, frozen=True, kw_only=True, tag="approval_asked"):
    """A person must say whether this call may be made; `hash` is what an approval is bound to."""

    call_id: str
    hash: str
    reasons: tuple[str, ...]
    fingerprint: str = ""


class ApprovalGiven(_Event, frozen=True, kw_only=True, tag="approval_given"):
    """`arguments`, where given, take the place of the call's own; `hash` is of those that were approved."""

    call_id: str
    hash: str
    by: str
    arguments: dict[str, Any] | None = None


class CallStarted(_Event, frozen=True, kw_only=True, tag="call_started"):
    """Written before the call is sent: from here on it may have had its effect."""

    call_id: str
    hash: str
    attempt: int = 1


class CallSettled(_Event, frozen=True, kw_only=True, tag="call_settled"):
    """How a call ended. `by` is set when a person said so: a refusal, or what became of an unknown outcome."""

    call_id: str
    outcome: Outcome
    text: str = ""
    structured: Any = None
    untrusted: bool = True
    seconds: float = 0.0
    by: str = ""


class SchemaChosen(_Event, frozen=True, kw_only=True, tag="schema_chosen"):
    """The form of the memory: dataclasses as source text."""

    name: str
    source: str


class Revised(_Event, frozen=True, kw_only=True, tag="revised"):
    """Memory changed. `steps`: so many of the run's steps are in memory now and need not be shown raw any more."""

    entries: tuple[Entry, ...]
    rejected: tuple[str, ...] = ()
    steps: int | None = None


class Folded(_Event, frozen=True, kw_only=True, tag="folded"):
    """The memory's log was rewritten as one value; what was `before` and is `after`, in tokens."""

    before: int
    after: int


class Summarised(_Event, frozen=True, kw_only=True, tag="summarised"):
    """The memory of a baseline: free text in place of all before."""

    text: str
    steps: int


class Noted(_Event, frozen=True, kw_only=True, tag="noted"):
    """Something that a person should know: a fallback that was taken, a tool that could not be had."""

    text: str


class Answered(_Event, frozen=True, kw_only=True, tag="answered"):
    text: str


class StatusChanged(_Event, frozen=True, kw_only=True, tag="status_changed"):
    status: Status
    reason: str = ""


Event = (
    RunStarted
    | Forked
    | Resumed
    | Sampled
    | Equipped
    | LetGo
    | PlanMade
    | ReviewAsked
    | PlanApproved
    | PlanRefused
    | Decided
    | NodeFailed
    | Climbed
    | Replanned
    | ProgramWritten
    | Acting
    | ApprovalAsked
    | ApprovalGiven
    | CallStarted
    | CallSettled
    | SchemaChosen
    | Revised
    | Folded
    | Summarised
    | Noted
    | Answered
    | StatusChanged
)


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An event in its journal: `seq` counts from 1 without gaps, `at` is UTC seconds since 1970."""

    seq: int
    at: float
    event: Event


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """One event as JSON."""
    return _encoder.encode(event)


def decode(text: bytes | str) -> Event:
    """The event that `encode` wrote.

    Raises:
        msgspec.ValidationError: it is none that this code knows.
    """
    return _decoder.decode(text)
