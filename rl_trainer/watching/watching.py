"""`Watching`: whoever looks on while a training runs; and several of them at once."""

from collections.abc import Sequence

from rl_trainer.run_folder import Record
from rl_trainer.trajectory import Trajectory


class Watching:
    """What may look on: progress bars, TensorBoard, a live view. This one does nothing."""

    def record(self, record: Record) -> None:
        """A line of metrics was written."""

    def rolled(self, trajectory: Trajectory) -> None:
        """A run has ended."""

    def doing(self, what: str, of: int) -> None:
        """Something that takes time begins; `of` parts of it are expected."""


class Several(Watching):
    """Tells each of them, in their order."""

    def __init__(self, watchings: Sequence[Watching]) -> None:
        self._watchings = tuple(watchings)

    def record(self, record: Record) -> None:
        for each in self._watchings:
            each.record(record)

    def rolled(self, trajectory: Trajectory) -> None:
        for each in self._watchings:
            each.rolled(trajectory)

    def doing(self, what: str, of: int) -> None:
        for each in self._watchings:
            each.doing(what, of)
