"""`LiveView`: a training in the terminal: where it stands, its rollouts as they end, its last figures, its success."""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from rl_trainer.run_folder import Record
from rl_trainer.trajectory import Trajectory
from rl_trainer.watching.figures import figures_of, line_of, sparkline
from rl_trainer.watching.watching import Watching

_STEPS = 50
"""Of rejection fine-tuning's steps, so many are one line where nobody watches."""


@dataclass(slots=True)
class Progress:
    """How far what is being done has come. ended: parts so far; of runs, what came of them."""

    what: str = ""
    of: int = 0
    ended: int = 0
    passed: int = 0
    broken: int = 0
    cheats: int = 0

    def add(self, run: Trajectory) -> None:
        """One more run has ended."""
        self.ended += 1
        self.passed += run.passed
        self.broken += bool(run.infra)
        self.cheats += bool(run.facts.get("cheat"))

    def words(self) -> str:
        """What came of the runs so far."""
        counts = {"passed": self.passed, "broken worlds": self.broken, "cheats": self.cheats}
        return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


@dataclass(slots=True)
class LiveView(Watching):
    """Draws itself when it is asked to (`__rich__`); see `open_live_view`."""

    now: Progress = field(default_factory=Progress)
    last: dict[str, Record] = field(default_factory=dict[str, Record])
    """By kind, the last record of this stage."""
    success: list[float] = field(default_factory=list[float])
    evaluated: list[float] = field(default_factory=list[float])

    def record(self, record: Record) -> None:
        if any(each.stage != record.stage for each in self.last.values()):
            self.last.clear()
        self.last[record.kind] = record
        if record.kind == "step":
            self.now.ended += 1
        if record.kind == "iteration" and "rollout/success" in record.values:
            self.success.append(record.values["rollout/success"])
        if "evaluation/pass@1" in record.values:
            self.evaluated.append(record.values["evaluation/pass@1"])

    def rolled(self, trajectory: Trajectory) -> None:
        self.now.add(trajectory)

    def doing(self, what: str, of: int) -> None:
        self.now = Progress(what=what, of=of)

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        parts: list[Any] = [self._bar()]
        for kind, record in self.last.items():
            grid = Table.grid(padding=(0, 2))
            shown = list(figures_of(record.values).items())
            for start in range(0, len(shown), 4):
                cells = [Text.assemble((f"{name} ", "dim"), value) for name, value in shown[start : start + 4]]
                grid.add_row(*cells)
            where = f"{record.stage}: {kind} {record.iteration}, {record.rollouts:,} rollouts so far"
            parts += [Text(where, style="bold"), grid]
        for name, values in (("success", self.success), ("pass@1", self.evaluated)):
            if values:
                parts.append(Text.assemble((f"{name:8}", "dim"), sparkline(values), f" {100 * values[-1]:.1f} %"))
        return Group(*parts)

    def _bar(self) -> Any:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        now = self.now
        row = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=max(now.of, now.ended, 1), completed=now.ended, width=30)
        row.add_row(Text(now.what or "opening"), bar, Text(f"{now.ended}/{now.of}"), Text(now.words()))
        return row


class Lines(Watching):
    """For logs: a line an iteration and an evaluation, now and then one of fine-tuning steps, and while runs are rolled
    out one every `every_s` seconds."""

    def __init__(self, out: IO[str], *, every_s: float = 60.0) -> None:
        self._out, self._every_s = out, every_s
        self._now, self._told = Progress(), time.monotonic()

    def record(self, record: Record) -> None:
        if record.kind != "step" or record.iteration % _STEPS == 0:
            self._say(line_of(record))

    def rolled(self, trajectory: Trajectory) -> None:
        self._now.add(trajectory)
        if time.monotonic() - self._told >= self._every_s:
            self._say(f"{self._now.what}: {self._now.ended}/{self._now.of} runs, {self._now.words() or 'none passed'}")

    def doing(self, what: str, of: int) -> None:
        self._now = Progress(what=what, of=of)

    def _say(self, line: str) -> None:
        self._told = time.monotonic()
        self._out.write(line + "\n")
        self._out.flush()


@contextmanager
def open_live_view(out: IO[str] | None = None) -> Generator[Watching]:
    """A live view on stderr while the block lasts; lines where that is no terminal."""
    stream = sys.stderr if out is None else out
    if not stream.isatty():
        yield Lines(stream)
        return
    from rich.console import Console
    from rich.live import Live

    view = LiveView()
    with Live(view, console=Console(file=stream), refresh_per_second=4):
        yield view
