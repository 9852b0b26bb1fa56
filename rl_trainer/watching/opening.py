"""`open_watching`: what looks on by default while a training runs."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rl_trainer.watching.live import open_live_view
from rl_trainer.watching.tensorboard import TensorBoardWatching
from rl_trainer.watching.watching import Several, Watching


@contextmanager
def open_watching(run: Path | None) -> Generator[Watching]:
    """What looks on by default while the block lasts: the live view on stderr, and TensorBoard's curves in the run.

    run: None where nothing is trained, and nothing is to be left.
    """
    with open_live_view() as view:
        yield Several([view, *([] if run is None else [TensorBoardWatching(run)])])
