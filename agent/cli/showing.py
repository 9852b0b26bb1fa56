"""How `runs show` draws a run: its plan tree, its calls, its memory, what it used."""

from collections.abc import Sequence
from typing import Any

import msgspec
import typer

from agent import event as kinds
from agent.event import Recorded
from agent.plan_picture import picture
from agent.state import RunState
from mcp_registry.cli.console import show, table
from retrieval.tool import canonical_json


def show_run(run_id: str, state: RunState, recorded: Sequence[Recorded], *, prompts: bool) -> None:
    """Print a run on stdout."""
    typer.echo(f"run     {run_id}\ngoal    {state.goal}\nstatus  {state.status.value} {state.reason}".rstrip())
    if state.plan is not None:
        typer.echo(f"\n{picture(state.plan)}")
    if state.ledger.rows:
        _calls(state)
    if state.entries:
        _memory(state)
    for text in state.notes:
        typer.echo(f"note: {text}")
    _usage(recorded)
    if prompts:
        _prompts(recorded)
    if state.answer is not None:
        typer.echo(f"\nanswer\n{state.answer}")


def _calls(state: RunState) -> None:
    texts = {step.call.id: step.text for step in state.steps}
    rows = table("call", "state", "sent", "tool", "arguments", "came back")
    for row in state.ledger.rows.values():
        waits = " (asks)" if row in state.ledger.waiting else ""
        rows.add_row(
            row.call.id,
            f"{row.state.value}{waits}",
            str(row.attempts),
            row.call.tool_id,
            canonical_json(row.call.arguments)[:200],
            " ".join(texts.get(row.call.id, "").split())[:200],
        )
    show(rows)
    for row in state.ledger.waiting:
        for reason in row.asked.reasons if row.asked else ():
            typer.echo(f"{row.call.id} asks because {reason}")


def _memory(state: RunState) -> None:
    rows = table("memory", "value", "from", "")
    for entry in state.entries[-40:]:
        rows.add_row(
            ".".join(map(str, entry.revision.path)),
            canonical_json(entry.revision.value)[:120],
            entry.source,
            "untrusted" if entry.untrusted else "",
        )
    show(rows)


def _usage(recorded: Sequence[Recorded]) -> None:
    by: dict[tuple[str, str], Any] = {}
    for each in recorded:
        if isinstance(each.event, kinds.Sampled):
            key = (each.event.purpose.value, each.event.model)
            by[key] = by[key] + each.event.usage if key in by else each.event.usage
    if not by:
        return
    rows = table("asked for", "model", "calls", "net encoded", "cached", "decoded", "seconds", "USD")
    for (purpose, model), usage in by.items():
        rows.add_row(
            purpose,
            model,
            str(usage.calls),
            f"{usage.net_encoded:,}",
            f"{usage.cached:,}",
            f"{usage.decoded:,}",
            f"{usage.seconds:.1f}",
            f"{usage.cost:.4f}" if usage.cost else "",
        )
    show(rows)


def _prompts(recorded: Sequence[Recorded]) -> None:
    calls = [each.event for each in recorded if isinstance(each.event, kinds.Sampled)]
    for number, call in enumerate(calls):
        typer.echo(f"\n== call {number}: {call.purpose.value}")
        if call.base is not None:
            typer.echo(f"(the first {call.keep} messages of call {call.base}, and then)")
        typer.echo(msgspec.json.format(msgspec.json.encode(call.messages), indent=2).decode())
        for text in call.texts:
            typer.echo(f"-- said\n{text}")
