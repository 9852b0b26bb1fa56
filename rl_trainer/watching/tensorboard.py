"""`TensorBoardWatching`: the metrics of a run as TensorBoard's curves, over all stages, without a step twice."""

import math
import os
import time
from pathlib import Path

from rl_trainer.run_folder import Record, RunFolder
from rl_trainer.watching.event_file import opening, restart, scalars
from rl_trainer.watching.watching import Watching

FOLDER = "tensorboard"
_AHEAD = {"evaluation": "evaluation/", "rollouts": "rft/"}
"""An evaluation and an iteration have figures of the same name; those of these kinds get it before them."""


class TensorBoardWatching(Watching):
    """Curves in RUN/tensorboard; look at them with `tensorboard --logdir RUN`. Nothing needs to be installed to write.

    The file is begun with the first record: only then is it known where a resumed training goes on, and from which step
    on what earlier files have is void. metrics.jsonl is the truth: records that the curves lack are written again.
    """

    def __init__(self, run: Path) -> None:
        self._run = RunFolder(run)
        self._file: Path | None = None

    def record(self, record: Record) -> None:
        if self._file is None:
            self._file = self._begin(record)
            return
        with self._file.open("ab") as out:
            out.write(scalars(time.time(), record.total, tagged(record)))

    def _begin(self, first: Record) -> Path:
        folder = self._run.path / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        known = any(folder.glob("events.out.tfevents.*"))
        start = first.total if known else 0
        now = time.time()
        kept = [each for each in self._run.records() if each.total >= start] or [first]
        name = f"events.out.tfevents.{now:017.6f}.{os.getpid()}"
        file = folder / name
        parts = [opening(now)]
        if known:
            parts.append(restart(now, start))
        file.write_bytes(b"".join([*parts, *(scalars(now, each.total, tagged(each)) for each in kept)]))
        return file


def tagged(record: Record) -> dict[str, float]:
    """The finite values of a record by TensorBoard's tag."""
    ahead = _AHEAD.get(record.kind, "")
    return {
        name if name.startswith(ahead) else ahead + name: value
        for name, value in {**record.values, "progress/rollouts": float(record.rollouts)}.items()
        if math.isfinite(value)
    }
