"""What a person sees of a run while it works: one line for each thing that happened, on stderr."""

from typing import Any

from agent import event as kinds
from agent.call import Outcome
from agent.event import Event, Recorded
from agent.options import Status
from agent.state import RunState, after
from retrieval.tool import canonical_json

_WIDTH = 100
_MARKS = {
    Outcome.SUCCEEDED: ("ok", "green"),
    Outcome.FAILED: ("failed", "red"),
    Outcome.UNKNOWN: ("unknown", "yellow"),
    Outcome.REFUSED: ("refused", "yellow"),
}


class View:
    """Follows runs and shows them; on a terminal a last line says what the run is at and what it has used."""

    def __init__(self, *, quiet: bool = False) -> None:
        from rich.console import Console

        self._console: Any = Console(stderr=True, highlight=False)
        self._quiet = quiet
        self._state = RunState()
        self._status: Any = None
        self._written = 0

    def __enter__(self) -> "View":
        if self._console.is_terminal and not self._quiet:
            self._status = self._console.status("starting")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()

    def pause(self) -> None:
        """Take the last line away: somebody is to be asked something, or all is over."""
        if self._status is not None:
            self._status.stop()

    def go_on(self) -> None:
        """Show the last line again."""
        if self._status is not None:
            self._status.start()

    def begin_with(self, state: RunState) -> None:
        """The run that is followed has been going on before."""
        self._state = state

    def tell(self, run_id: str, recorded: Recorded) -> None:
        """Show one event."""
        self._state = after(self._state, recorded.event)
        self._written = 0
        if not self._quiet:
            if line := line_of(recorded.event, self._state):
                self._console.print(line, soft_wrap=True)
            self._refresh(run_id)

    def text(self, run_id: str, text: str) -> None:
        """Show that the model writes."""
        self._written += len(text)
        self._refresh(run_id)

    def _refresh(self, run_id: str) -> None:
        if self._status is None:
            return
        usage = self._state.usage
        at = f"calling {self._state.pending[0].tool_id}" if self._state.pending else "thinking"
        writing = f", {self._written} characters" if self._written else ""
        self._status.update(
            f"{run_id}: {at}{writing} · {self._state.calls_made} calls · {usage.tokens:,} tokens "
            f"({usage.cached:,} cached)" + (f" · ${usage.cost:.4f}" if usage.cost else "")
        )


def line_of(event: Event, state: RunState) -> str:
    """One line about an event, as rich markup; empty for those that nobody needs to see pass by."""
    match event:
        case kinds.Equipped(tool_ids=ids, queries=queries):
            asked = f" for “{_safe(' | '.join(queries))}”" if queries else ""
            return f"[dim]tools{asked}: {_safe(', '.join(ids), 400) or 'nothing new'}[/]"
        case kinds.PlanMade(plans=plans, sampled=sampled, dropped=dropped):
            gone = f", {len(dropped)} dropped" if dropped else ""
            return f"[dim]plans: {sampled} sampled{gone}, {len(plans)} in the tree[/]"
        case kinds.Climbed(error=error):
            return f"[yellow]back[/] {_safe(error)}"
        case kinds.Replanned(error=error):
            return f"[yellow]new plan[/] {_safe(error)}"
        case kinds.CallStarted(call_id=id_):
            call = state.ledger.rows[id_].call
            return f"[bold]{_safe(call.tool_id)}[/] {_safe(canonical_json(call.arguments))}"
        case kinds.CallSettled(outcome=outcome, text=text, seconds=seconds):
            word, colour = _MARKS[outcome]
            return f"  [{colour}]{word}[/] [dim]{seconds:.1f} s[/] {_safe(text)}"
        case kinds.Revised(entries=entries) if entries:
            return f"[dim]memory: {len(entries)} entries, {len(state.entries)} in all[/]"
        case kinds.Noted(text=text):
            return f"[yellow]note[/] {_safe(text)}"
        case kinds.StatusChanged(status=status, reason=reason) if status is not Status.DONE:
            return f"[yellow]{status.value}[/] {_safe(reason, 400)}"
        case _:
            return ""


def _safe(text: str, most: int = _WIDTH) -> str:
    """One line of a text that may come from anywhere: no markup of ours, no control characters."""
    from rich.markup import escape

    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return escape(line if len(line) <= most else f"{line[:most]}…")
