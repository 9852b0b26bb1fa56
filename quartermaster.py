"""The front door: one command, `quartermaster`. It opens the floor that the sub-command names, and only that one.

Each sub-command lives in a module of its own, imported when it is used, so that `quartermaster --help` is fast.
"""

import importlib
import os
import signal
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

_INTERRUPTED, _TERMINATED = 130, 143
"""Exit codes after SIGINT and after SIGTERM: 128 and the signal's number, as shells count."""

COMMANDS = {
    "servers": ("mcp_registry.cli.servers", "Add, import, list, sync and remove MCP servers."),
    "search": ("mcp_registry.cli.search", "Find tools by what they do, in plain words."),
    "call": ("mcp_registry.cli.call", "Call one tool and print its answer."),
    "run": ("agent.cli.run", "Pursue a goal with tools: plan, act, remember, answer."),
    "runs": ("agent.cli.runs", "Show, resume, fork and decide about runs of the agent."),
    "read": ("agent.cli.read", "Ask something of long documents, read piece by piece into a typed memory."),
    "models": ("agent.cli.models", "List, fetch and serve small language models that run here."),
    "agent": ("agent.cli.agent", "Serve the agent over HTTP: runs, an OpenAI-compatible API, a page."),
    "gateway": ("mcp_registry.cli.gateway", "Serve the gateway on stdin and stdout, as MCP clients start it."),
    "serve": ("mcp_registry.cli.serve", "Serve the gateway over HTTP: /mcp, /healthz, /readyz."),
    "connect": ("mcp_registry.cli.connect", "Connect an MCP client to the gateway: print or write its entry."),
    "retrieval": (
        "mcp_registry.cli.retrieval",
        "Train the embedder, write questions, see why a tool is found.",
    ),
    "train": ("rl_trainer.cli.train", "Fine-tune agents on their own runs: tasks, RFT, RL, evaluation, export."),
    "bench": ("retrieval.cli.bench", "Measure how well tools are found, on labelled data."),
    "doctor": ("mcp_registry.cli.doctor", "Say what is installed, what is missing and how to get it."),
}
"""Sub-commands by name: the module that holds each, and its line in the help."""

UPSTAIRS = {"retrieval": {"train": "rl_trainer.cli.embedder"}}
"""Commands of a group that live on a floor above the group's: their modules, by group and name."""


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are run; for the help, a name and a line are enough."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] in COMMANDS:
            return args[0], load(args[0]), args[1:]
        if args and (close := get_close_matches(args[0], COMMANDS, n=1)):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {close[0]!r}?")
        return super().resolve_command(ctx, args)


def load(name: str) -> Any:
    """A sub-command, imported now."""
    module = importlib.import_module(COMMANDS[name][0])
    command: Any = typer.main.get_command(module.app)
    command.name = name
    for sub, upstairs in UPSTAIRS.get(name, {}).items():
        command.add_command(typer.main.get_command(importlib.import_module(upstairs).app), sub)
    return command


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawing this one page with rich would take half of its time
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: quartermaster servers add time -- uvx mcp-server-time && quartermaster servers sync "
    "&& quartermaster search 'what time is it in Tokyo'",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"quartermaster {version('quartermaster')}")
        raise typer.Exit


@app.callback()
def open_door(
    home: Annotated[
        Path | None,
        typer.Option("--home", help="The folder that holds all state (default: ~/.quartermaster).", show_default=False),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The tool layer for LLM agents: find the right MCP tools, keep them in sync, call them."""
    if home is not None:
        os.environ["QUARTERMASTER_HOME"] = str(home)


def main() -> None:
    """Run the command line; errors that say what to do are one line on stderr, exit code 1."""
    from agent.errors import AgentError
    from mcp_registry.errors import RegistryError
    from retrieval.errors import RetrievalError
    from rl_trainer.errors import TrainerError

    ours = (AgentError, RegistryError, RetrievalError, TrainerError)
    # A shell without job control starts `quartermaster serve &` with SIGINT ignored, and SIGTERM ends us by way of it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except (KeyboardInterrupt, SystemExit) as end:
        # Typer turns an interrupt into its own exit; what ended us is known by what `_interrupt` left behind.
        if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:
            sys.exit(_TERMINATED)
        sys.exit(end.code if isinstance(end, SystemExit) else _INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has enough of it; Python must not complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except ours as error:
        _fail(error)
    except BaseExceptionGroup as group:
        found, rest = group.split(ours)
        if found is None or rest is not None:
            raise
        _fail(_first(found))


def _interrupt(number: int, frame: object) -> None:
    """End as Ctrl-C does, so that what is open gets closed: containers and service managers send SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough; `main` sees by it how it was ended
    signal.raise_signal(signal.SIGINT)


def _first(group: BaseException) -> BaseException:
    return _first(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group


def _fail(error: BaseException) -> None:
    typer.secho(f"error: {error}", fg="red", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
