"""`Call`: one tool call that a run has decided to make, and how it ended."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from retrieval.tool import ToolId, canonical_json


class Outcome(StrEnum):
    """How a call ended. unknown: it was started, and nobody knows whether it ran. refused: it never started."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REFUSED = "refused"


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A decided call. Its id is unique in the run and the same after a resume: the ledger and approvals hold to it.

    node: its place in the plan tree, if it comes from one (the keys from the root). untrusted_prompt: text that a tool
    gave stood in the prompt that chose this tool or wrote its literal arguments. filled_from: the ids of the calls
    whose results filled its references. site: its place in a program of code mode. said: the model's own words, where
    it said more than the call.
    """

    id: str
    tool_id: ToolId
    arguments: dict[str, Any]
    node: tuple[str, ...] = ()
    untrusted_prompt: bool = False
    filled_from: tuple[str, ...] = ()
    site: str = ""
    said: str = ""


def action_hash(fingerprint: str, arguments: Mapping[str, Any]) -> str:
    """What an approval is bound to: this very tool, as published, with these very arguments."""
    return hashlib.sha256(f"{fingerprint}\n{canonical_json(arguments)}".encode("utf-8", "surrogatepass")).hexdigest()


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call with what came of it, as the planner and the prompts see it.

    `untrusted`: the text is a tool's, from a server that the operator does not vouch for.
    """

    call: Call
    outcome: Outcome
    text: str = ""
    structured: Any = None
    untrusted: bool = True
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.outcome is Outcome.SUCCEEDED
