"""What a person sees pass by while a run works."""

import io
from typing import Any

import pytest
from rich.console import Console

from agent import event as kinds
from agent.call import Call, Outcome
from agent.cli.view import line_of
from agent.options import Status
from agent.state import RunState, after

CALL = Call(id="c1", tool_id="notes/write", arguments={"text": "[bold]milk[/bold]\x1b[31m"})


def _plain(event: Any, state: RunState | None = None) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(line_of(event, state or RunState()), soft_wrap=True)
    return out.getvalue().strip()


def _acting() -> RunState:
    return after(RunState(), kinds.Acting(calls=(CALL,)))


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (kinds.Equipped(tool_ids=("a/b",), queries=("find it",)), "tools for “find it”: a/b"),
        (kinds.Equipped(tool_ids=(), queries=("find it",)), "tools for “find it”: nothing new"),
        (kinds.PlanMade(plans=((),), sampled=3, dropped=("x",)), "plans: 3 sampled, 1 dropped, 1 in the tree"),
        (kinds.CallSettled(call_id="c1", outcome=Outcome.UNKNOWN, text="lost", seconds=1.25), "unknown 1.2 s lost"),
        (kinds.StatusChanged(status=Status.OUT_OF_STEPS, reason="too many"), "out_of_steps too many"),
        (kinds.StatusChanged(status=Status.DONE), ""),
    ],
)
def test_each_thing_that_happens_is_one_line(event: Any, said: str) -> None:
    assert _plain(event) == said


def test_what_a_model_or_a_tool_wrote_is_shown_as_it_is_and_does_nothing_to_the_terminal() -> None:
    line = _plain(kinds.CallStarted(call_id="c1", hash="h"), _acting())
    assert "[bold]milk[/bold]" in line
    assert "\x1b" not in line
    long = _plain(kinds.CallSettled(call_id="c1", outcome=Outcome.SUCCEEDED, text="a\nb\n" * 500), _acting())
    assert "\n" not in long
    assert len(long) < 130
