"""`quartermaster runs`: what runs there are, what each did, and what a person decides about it."""

import asyncio
import json as jsonlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from agent import decisions
from agent.abandoned import mark_abandoned
from agent.checkpoints import forget, open_checkpointer
from agent.cli.run import ModelOption, UrlOption, finish, run_here
from agent.cli.showing import show_run
from agent.deps import Deps
from agent.errors import UnknownRun
from agent.event import Event, StatusChanged
from agent.journal import Journal
from agent.model_choice import ModelChoice
from agent.no_model import NoModel
from agent.options import Status
from agent.options_given import pairs, with_options
from agent.run import Run, fork_run, run_view, state_of
from agent.state import RunState
from agent.store import SqlJournal, journal_url, open_journal
from agent.testing import SimpleToolbox
from mcp_registry.cli.console import HomeOption, JsonOption, home_of, note, print_json, show, table

app = typer.Typer(no_args_is_help=True)

RunArgument = Annotated[str, typer.Argument(help="The run's id, or the beginning of it.")]
CallArgument = Annotated[str | None, typer.Argument(help="The call's id; the only one that waits when left out.")]
BY = "command line"


@app.callback()
def runs() -> None:
    """List, show, resume and fork runs of the agent; approve or reject what they ask for."""


@app.command("list", epilog="Example: quartermaster runs list --status waiting")
def list_runs(
    status: Annotated[Status | None, typer.Option("--status", help="Only runs that stand so.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, newest first.")] = 20,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List runs, newest first."""

    async def listed(journal: SqlJournal) -> list[Any]:
        await mark_abandoned(journal)
        return await journal.runs(limit=limit, status=status)

    found = _with_journal(home, listed)
    if json:
        print_json(msgspec.to_builtins(found))
        return
    rows = table("run", "status", "started", "tokens", "goal")
    for record in found:
        at = datetime.fromtimestamp(record.created_at, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
        rows.add_row(record.id, record.status.value, at, f"{record.tokens:,}", record.goal[:70])
    show(rows)


@app.command("show", epilog="Example: quartermaster runs show 3f2a --events")
def show_one(
    run: RunArgument,
    events: Annotated[bool, typer.Option("--events", help="Every event, as lines of JSON.")] = False,
    prompts: Annotated[bool, typer.Option("--prompts", help="What the model was told and said, call by call.")] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show a run: its plan tree with taken and abandoned branches, its calls, its memory, what it used."""

    async def shown(journal: Journal) -> None:
        run_id = await full_id(journal, run)
        recorded = await journal.events(run_id)
        state = await state_of(run_id, _deps(journal))
        if events:
            for each in recorded:
                typer.echo(msgspec.json.encode(each).decode())
        elif json:
            print_json(run_view(Run(id=run_id, state=state)))
        else:
            show_run(run_id, state, recorded, prompts=prompts)

    _with_journal(home, shown)


@app.command("resume", epilog="Example: quartermaster runs resume 3f2a")
def resume(
    run: RunArgument,
    model: ModelOption = None,
    llm_url: UrlOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the answer.")] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Go on with a run that waits, was interrupted, or whose process was killed. No call is made twice."""
    folder = home_of(home)
    run_id = _with_journal(home, lambda journal: full_id(journal, run))
    choice = ModelChoice(model=model, url=llm_url)
    finish(asyncio.run(run_here(folder, choice, run_id=run_id, quiet=quiet or json, json=json)), json=json)


@app.command("approve", epilog="Examples: quartermaster runs approve 3f2a | runs approve 3f2a --arguments '{...}'")
def approve(
    run: RunArgument,
    call: CallArgument = None,
    arguments: Annotated[
        str | None, typer.Option("--arguments", help="Call it with these arguments instead (a JSON object).")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Approve the plan tree that waits.")] = False,
    home: HomeOption = None,
) -> None:
    """Approve a call, or a plan, that a run waits with; then resume the run."""
    edited = _object(arguments)

    def decided(state: RunState) -> Sequence[Event]:
        if plan:
            return decisions.approve_plan(state, by=BY)
        return decisions.approve(state, call or _only(state, run), by=BY, arguments=edited)

    _decide(home, run, decided)


@app.command("reject", epilog="Example: quartermaster runs reject 3f2a --reason 'the file is still needed'")
def reject(
    run: RunArgument,
    call: CallArgument = None,
    reason: Annotated[str, typer.Option("--reason", help="The model is told it.")] = "",
    plan: Annotated[bool, typer.Option("--plan", help="Refuse the plan tree that waits.")] = False,
    home: HomeOption = None,
) -> None:
    """Reject a call, or a plan, that a run waits with; then resume the run."""

    def decided(state: RunState) -> Sequence[Event]:
        if plan:
            return decisions.refuse_plan(state, by=BY, reason=reason)
        return decisions.reject(state, call or _only(state, run), by=BY, reason=reason)

    _decide(home, run, decided)


@app.command("settle", epilog="Example: quartermaster runs settle 3f2a 3f2a-4 retry")
def settle(
    run: RunArgument,
    call: Annotated[str, typer.Argument(help="The call's id.")],
    became: Annotated[str, typer.Argument(help="succeeded, failed, or retry (it did not run: run it now).")],
    text: Annotated[str, typer.Option("--text", help="What the model is told of it.")] = "",
    home: HomeOption = None,
) -> None:
    """Say what became of a call whose outcome is unknown; then resume the run."""
    _decide(home, run, lambda state: decisions.settle_unknown(state, call, became, by=BY, text=text))


@app.command("fork", epilog="Example: quartermaster runs fork 3f2a --at 12 --set planner=react")
def fork(
    run: RunArgument,
    at: Annotated[int | None, typer.Option("--at", min=1, help="The last event to keep (runs show --events).")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="Another option, as NAME=VALUE.")] = None,
    home: HomeOption = None,
) -> None:
    """Make a new run that begins as this one did, up to an event; resume it to go on. The world is not taken back."""

    async def forked(journal: Journal) -> str:
        run_id = await full_id(journal, run)
        deps = _deps(journal)
        options = None
        if setting:
            options = with_options((await state_of(run_id, deps)).options, pairs(setting))
        return await fork_run(run_id, deps, at=at, options=options)

    typer.echo(_with_journal(home, forked))


@app.command("cancel", epilog="Example: quartermaster runs cancel 3f2a")
def cancel(run: RunArgument, home: HomeOption = None) -> None:
    """End a run for good that is not being worked on by another process."""
    _decide(home, run, lambda state: [StatusChanged(status=Status.CANCELLED, reason=f"cancelled by {BY}")], tell=False)


@app.command("prune", epilog="Example: quartermaster runs prune --older-than 30 --keep 100")
def prune(
    older_than: Annotated[float, typer.Option("--older-than", min=0, help="Days since the last event.")] = 30.0,
    keep: Annotated[int, typer.Option("--keep", min=0, help="So many of the newest stay in any case.")] = 100,
    home: HomeOption = None,
) -> None:
    """Delete old runs that have ended, with their journals, and give their space back."""

    async def pruned(journal: Journal) -> int:
        gone = await journal.prune(older_than_days=older_than, keep=keep)
        async with open_checkpointer(home_of(home)) as saver:
            await forget(saver, gone)
        return len(gone)

    typer.echo(f"{_with_journal(home, pruned)} runs deleted")


async def full_id(journal: Journal, beginning: str) -> str:
    """The id of the one run that begins so.

    Raises:
        UnknownRun: none does, or several do.
    """
    if await journal.run(beginning) is not None:
        return beginning
    fitting = [record.id for record in await journal.runs(limit=10_000) if record.id.startswith(beginning)]
    if len(fitting) != 1:
        found = f"several: {', '.join(fitting[:5])}" if fitting else "`quartermaster runs list` shows those there are"
        raise UnknownRun(f"no single run begins with {beginning!r}; {found}")
    return fitting[0]


def _decide(home: Any, run: str, decide: Callable[[RunState], Sequence[Event]], *, tell: bool = True) -> None:
    async def decided(journal: Journal) -> str:
        run_id = await full_id(journal, run)
        await journal.append(run_id, decide(await state_of(run_id, _deps(journal))))
        return run_id

    run_id = _with_journal(home, decided)
    if tell:
        note(f"noted; go on with: quartermaster runs resume {run_id}")


def _only(state: RunState, run: str) -> str:
    waiting = [row.call.id for row in state.ledger.waiting]
    if len(waiting) != 1:
        raise typer.BadParameter(f"run {run} waits with {len(waiting)} calls: {', '.join(waiting) or 'none'}; name one")
    return waiting[0]


def _object(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        value = jsonlib.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint="--arguments") from None
    if not isinstance(value, dict):
        raise typer.BadParameter("an object is wanted: {...}", param_hint="--arguments")
    return {str(key): each for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]


def _deps(journal: Journal) -> Deps:
    """Enough to look at runs and to write decisions down: neither a model nor tools."""
    return Deps(llm=NoModel(), toolbox=SimpleToolbox([]), journal=journal)


def _with_journal(home: Any, use: Callable[[Any], Any]) -> Any:
    async def used() -> Any:
        async with open_journal(journal_url(home_of(home))) as journal:
            return await use(journal)

    return asyncio.run(used())
