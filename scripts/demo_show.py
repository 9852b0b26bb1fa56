"""How `make run` looks: progress on standard error, the show on standard output, plain where it is no terminal."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

_PLAIN_WIDTH = 110
_ANSWER_LINES = 14


class Show:
    """Everything that a person reads."""

    def __init__(self) -> None:
        self._out = _console(stderr=False)
        self._err = _console(stderr=True)

    def progress(self, text: str) -> None:
        self._err.print(Text(f"· {text}", style="dim"), soft_wrap=True)

    def failure(self, text: str) -> None:
        self._err.print(Text(f"make run failed: {text}", style="bold red"), soft_wrap=True)

    def catalogue(self, *, servers: int, callable_tools: int, tools: int, seconds: float) -> None:
        self._line()
        self._line(
            f"{servers} servers answered in {seconds:.1f} s: {callable_tools} tools that can be called, "
            f"found among {tools:,} tool definitions.",
            style="bold",
        )

    def gateway(self, *, seconds: float, tools: Sequence[str]) -> None:
        self._line(f"The gateway is up in {seconds:.1f} s. Its own tools are always these: {', '.join(tools)}.")

    def request(self, number: int, words: str) -> None:
        self._line()
        self._line(f"{number}. “{words}”", style="bold cyan")

    def found(self, tools: Sequence[Mapping[str, Any]], *, seconds: float) -> None:
        """The best tools, each with its score and why it was found."""
        self._line(f"   search_tools found in {seconds * 1000:.0f} ms:")
        longest = max((len(tool["tool_id"]) for tool in tools), default=0)
        for place, tool in enumerate(tools, 1):
            line = Text(f"     {place}. {tool['tool_id']:<{longest}}  {tool['score']:.2f}  ")
            if not tool.get("callable", True):
                line.append("no server behind it; ", style="yellow")
            line.append(tool["why"], style="dim")
            line.truncate(self._out.width, overflow="ellipsis")
            self._out.print(line)

    def not_first(self, tool_id: str, *, position: int, first: str) -> None:
        self._line(
            f"   of the tools that can be called, search put {first} first; "
            f"the one that does it is number {position}, {tool_id}",
            style="yellow",
        )

    def answer(self, tool_id: str, arguments: Mapping[str, Any], *, text: str, seconds: float) -> None:
        self._line(f"   call_tool {tool_id} {json.dumps(arguments, ensure_ascii=False)}")
        self._line(f"   answered in {seconds * 1000:.0f} ms, the start of its server included:")
        lines = _compact(text).splitlines()
        for line in lines[:_ANSWER_LINES]:
            self._line(f"     {line.rstrip()}", style="green")
        if len(lines) > _ANSWER_LINES:
            self._line(f"     … and {len(lines) - _ANSWER_LINES} lines more", style="dim")

    def without_model(self, reason: str) -> None:
        self._line()
        self._line(f"The agent was not shown: no language model could be fetched ({reason}).", style="yellow")
        self._line("Name an endpoint of yours: quartermaster run --llm-url http://127.0.0.1:8080/v1 GOAL", style="dim")

    def goal(self, words: str, model: str) -> None:
        self._line()
        self._line(f"The agent: “{words}”", style="bold cyan")
        self._line(f"   with {model}, a language model of 0.5 billion parameters that runs on this machine, offline")

    def run(self, events: Sequence[Mapping[str, Any]], shown: str, *, seconds: float) -> None:
        """A run of the agent: its plan tree, calls and use as `runs show` has them, and what it answered."""
        for line in shown.partition("\nanswer\n")[0].splitlines():
            self._line(f"   {line}".rstrip())
        ended = events[-1] if events else {}
        self._line(f"   {ended.get('status', 'it did not start')} after {seconds:.0f} s:")
        for line in str(ended.get("answer") or ended.get("reason") or "").splitlines():
            self._line(f"     {line}", style="green")

    def farewell(self, argv: Sequence[str]) -> None:
        command = shlex.join(_relative(argument) for argument in argv)
        self._line()
        self._line("Use it from your own client", style="bold")
        for what, arguments in (
            ("print the entry for a client's config file; --write puts it there", "connect claude-desktop"),
            ("the other clients that it knows", "connect --help"),
            ("bring the servers that your client has now", "servers import FILE"),
            ("search yourself", 'search "convert a CSV file to JSON" --why'),
            ("hand a goal over; a larger model is better at it (--llm-url)", 'run "which customers are there?"'),
            ("watch runs and decide in a browser", "agent"),
        ):
            self._line(f"   # {what}", style="dim")
            self._line(f"   {command} {arguments}")

    def _line(self, text: str = "", style: str = "") -> None:
        """One line as it is: never wrapped by us, so that it can be copied; never padded."""
        self._out.print(Text(text, style=style), soft_wrap=True)


def _compact(text: str) -> str:
    """JSON on one line; any other text as it is."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        return text


def _relative(argument: str) -> str:
    path = Path(argument)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else argument


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = _PLAIN_WIDTH
    return console
