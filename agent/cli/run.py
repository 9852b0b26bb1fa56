"""`quartermaster run`: a goal in plain words, pursued with tools."""

import asyncio
import sys
from typing import Annotated, Any

import msgspec
import typer

from agent.cli.asking import ask, can_ask
from agent.cli.view import View
from agent.deps import Deps
from agent.event import Recorded
from agent.model_choice import ModelChoice
from agent.options import Options, Status
from agent.options_given import options_given
from agent.run import Run, resume_run, run_agent, run_view, state_of
from mcp_registry.cli.console import HomeOption, JsonOption, embedding_progress, home_of, note
from mcp_registry.home import Home

app = typer.Typer()

EXIT_CODES = {Status.DONE: 0, Status.WAITING: 3, Status.INTERRUPTED: 4}
"""Every other end is 2: the goal was not reached, and the status says why."""

ModelOption = Annotated[
    str | None, typer.Option("--model", "-m", help="A model's name at the endpoint, or local:NAME.", show_default=False)
]
UrlOption = Annotated[
    str | None, typer.Option("--llm-url", help="An OpenAI-compatible endpoint, up to /v1.", show_default=False)
]


@app.command(
    epilog="Examples: quartermaster run 'What time is it in Tokyo?' | "
    "quartermaster run --planner react --max-steps 8 --yes 'Tidy up ~/notes' | "
    "quartermaster run --model local:qwen2.5-coder-0.5b --json 'Which commits are new?'"
)
def run(
    goal: Annotated[str, typer.Argument(help="What is to be done, in plain words; - reads it from stdin.")],
    model: ModelOption = None,
    llm_url: UrlOption = None,
    planner: Annotated[
        str | None, typer.Option("--planner", help="tree, react, plan-execute, local-replan or global-replan.")
    ] = None,
    equipment: Annotated[str | None, typer.Option("--equipment", help="scalemcp, rag-mcp, all or code.")] = None,
    memory: Annotated[str | None, typer.Option("--memory", help="prism, full, incremental or hierarchical.")] = None,
    max_steps: Annotated[int | None, typer.Option("--max-steps", min=1, help="Calls of tools at most.")] = None,
    max_seconds: Annotated[float | None, typer.Option("--max-seconds", min=1, help="Seconds of work at most.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="Any other option of a run, as NAME=VALUE; may be repeated.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Approve writes, unless untrusted text has had a hand in them.")
    ] = False,
    yes_to_all: Annotated[
        bool, typer.Option("--yes-to-all", help="Approve whatever the policy does not deny.")
    ] = False,
    approve_plan: Annotated[
        bool, typer.Option("--approve-plan", help="Show the plan tree and its cost before anything runs.")
    ] = False,
    profile: Annotated[
        str | None, typer.Option("--profile", help="A profile of the settings that limits tools.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the answer.")] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Pursue a goal with the tools that are registered, and print the answer.

    Progress goes to stderr. With --json every event is one line of JSON on stdout, and the run is the last one. The
    exit code is 0 when the goal is reached, 3 when a person must decide something, 4 when the run can be resumed.
    """
    goal = sys.stdin.read() if goal == "-" else goal
    given: dict[str, Any] = {
        "planner": planner,
        "equipment": equipment,
        "memory": memory,
        "max_steps": max_steps,
        "max_seconds": max_seconds,
        "approve": "all" if yes_to_all else "untainted" if yes else None,
        "approve_plan": approve_plan or None,
    }
    folder = home_of(home)
    options = options_given(folder, given, setting or [])
    choice = ModelChoice(model=model, url=llm_url)
    ended = asyncio.run(
        run_here(folder, choice, goal=goal, options=options, profile=profile, quiet=quiet or json, json=json)
    )
    finish(ended, json=json)


async def run_here(
    home: Home,
    choice: ModelChoice,
    *,
    goal: str | None = None,
    run_id: str | None = None,
    options: Options | None = None,
    profile: str | None = None,
    quiet: bool = False,
    json: bool = False,
) -> Run:
    """Run a goal, or go on with a run, in this process, asking the person at the terminal where one is there."""
    from agent.opened import open_deps  # brings the MCP SDK along, which listing and approving need not wait for

    with View(quiet=quiet) as view, embedding_progress() as progress:

        def listen(of: str, recorded: Recorded) -> None:
            if json:
                sys.stdout.write(msgspec.json.encode({"run": of, **msgspec.to_builtins(recorded)}).decode() + "\n")
                sys.stdout.flush()
            view.tell(of, recorded)

        async with open_deps(home, choice, listen=listen, on_text=view.text, profile=profile, progress=progress) as (
            deps,
            _,
        ):
            if run_id is None:
                ended = await run_agent(goal or "", deps, options=options)
            else:
                view.begin_with(await state_of(run_id, deps))
                ended = await resume_run(run_id, deps, by="terminal")
            return await _asked(ended, deps, view)


async def _asked(run: Run, deps: Deps, view: View) -> Run:
    """The run after all that the person at the terminal was ready to decide."""
    while run.status is Status.WAITING and can_ask():
        view.pause()
        decided = await asyncio.to_thread(ask, run.state)
        view.go_on()
        if decided is None:
            break
        await deps.journal.append(run.id, decided)
        run = await resume_run(run.id, deps, by="terminal")
    return run


def finish(run: Run, *, json: bool) -> None:
    """Print how a run stands, and end with its exit code."""
    if json:
        sys.stdout.write(msgspec.json.encode(run_view(run)).decode() + "\n")
    elif run.answer is not None:
        typer.echo(run.answer)
    if not json and run.status is not Status.DONE:
        note(f"run {run.id}: {run.status.value}{f': {run.state.reason}' if run.state.reason else ''}")
        if run.status is Status.WAITING:
            note(f"decide with: quartermaster runs show {run.id}, then runs approve, reject or settle")
        elif run.status is Status.INTERRUPTED:
            note(f"go on with: quartermaster runs resume {run.id}")
    if code := EXIT_CODES.get(run.status, 2):
        raise typer.Exit(code)
