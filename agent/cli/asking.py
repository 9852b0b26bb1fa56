"""Asks the person at the terminal what a waiting run wants to know."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import typer

from agent import decisions
from agent.event import Event
from agent.ledger import CallState, LedgerRow
from agent.plan_picture import picture
from agent.plan_state import PlanState
from agent.state import RunState
from retrieval.tool import canonical_json

BY = "terminal"


def can_ask() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(state: RunState) -> Sequence[Event] | None:
    """The events of what the person decides about the first thing that the run waits for; None is "not now"."""
    if state.plan is not None and state.plan.awaits_review:
        return _plan(state, state.plan)
    if waiting := state.ledger.waiting:
        return _call(state, waiting[0])
    if unknown := state.ledger.in_state(CallState.UNKNOWN):
        return _unknown(state, unknown[0])
    return None


def _plan(state: RunState, plan: PlanState) -> Sequence[Event] | None:
    typer.echo(picture(plan), err=True)
    match _letter("Run this plan? [y]es, [n]o, [q]uit and decide later", "ynq"):
        case "y":
            return decisions.approve_plan(state, by=BY)
        case "n":
            return decisions.refuse_plan(state, by=BY, reason=_line("Why not?"))
        case _:
            return None


def _call(state: RunState, row: LedgerRow) -> Sequence[Event] | None:
    typer.echo(f"\n{row.call.tool_id} {canonical_json(row.call.arguments)}", err=True)
    for reason in row.asked.reasons if row.asked else ():
        typer.echo(f"  asks because {reason}", err=True)
    match _letter("Call it? [y]es, [n]o, [e]dit the arguments, [q]uit and decide later", "yneq"):
        case "y":
            return decisions.approve(state, row.call.id, by=BY)
        case "n":
            return decisions.reject(state, row.call.id, by=BY, reason=_line("Why not?"))
        case "e":
            return decisions.approve(state, row.call.id, by=BY, arguments=_json("Arguments (JSON)"))
        case _:
            return None


def _unknown(state: RunState, row: LedgerRow) -> Sequence[Event] | None:
    typer.echo(f"\n{row.call.tool_id} {canonical_json(row.call.arguments)} was sent, and no answer came.", err=True)
    question = "What became of it? [s]ucceeded, [f]ailed, did not run: call it [a]gain, [q]uit and decide later"
    became = {"s": "succeeded", "f": "failed", "a": "retry"}.get(_letter(question, "sfaq"))
    return decisions.settle_unknown(state, row.call.id, became, by=BY) if became else None


def _letter(question: str, letters: str) -> str:
    while True:
        said = _line(question).strip().lower()[:1]
        if said and said in letters:
            return said


def _line(question: str) -> str:
    return typer.prompt(question, err=True, default="", show_default=False)


def _json(question: str) -> dict[str, Any]:
    while True:
        try:
            said = json.loads(_line(question))
        except ValueError as error:
            typer.echo(f"not JSON: {error}", err=True)
            continue
        if isinstance(said, dict):
            return {str(key): value for key, value in said.items()}  # pyright: ignore[reportUnknownVariableType]
        typer.echo("the arguments are an object: {...}", err=True)
