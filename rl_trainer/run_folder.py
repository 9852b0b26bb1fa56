"""`RunFolder`: what a training leaves on disk, and the lock that keeps two processes from writing it."""

import gzip
import math
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from rl_trainer.errors import CheckpointDamaged, RunBusy
from rl_trainer.recipe import Recipe
from rl_trainer.trajectory import Group


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line of metrics.jsonl. kind: iteration, step (of rejection fine-tuning) or evaluation.

    total: iterations and fine-tuning steps since the beginning, over all stages: the x-axis of every curve.
    """

    kind: str
    stage: str
    iteration: int
    total: int
    rollouts: int
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class RunFolder:
    """recipe.json, metrics.jsonl, groups/ (every trajectory, by iteration), checkpoints/, and reports beside them."""

    path: Path

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    def write_recipe(self, recipe: Recipe) -> None:
        """Keep the resolved recipe beside what it makes."""
        write_whole(self.path / "recipe.json", msgspec.json.format(msgspec.json.encode(recipe)))

    def recipe(self) -> Recipe:
        """Raises: CheckpointDamaged: this is no folder of a training."""
        try:
            return msgspec.json.decode((self.path / "recipe.json").read_bytes(), type=Recipe)
        except (OSError, msgspec.DecodeError) as error:
            raise CheckpointDamaged(f"{self.path} is not the folder of a training: {error}") from error

    def append(self, record: Record) -> None:
        """One more line of metrics. Values that are no numbers are left out: JSON has no word for them."""
        finite = {name: value for name, value in record.values.items() if math.isfinite(value)}
        with self.metrics.open("ab") as file:
            file.write(msgspec.json.encode(msgspec.structs.replace(record, values=finite)) + b"\n")

    def records(self) -> list[Record]:
        """All whole lines so far; a last line that a killed process left half-written is passed over."""
        if not self.metrics.is_file():
            return []
        lines = self.metrics.read_bytes().split(b"\n")
        return [msgspec.json.decode(line, type=Record) for line in lines[:-1] if line]

    def forget_after(self, total: int) -> None:
        """Drop what was written after the checkpoint that a training goes on from: it is done again."""
        kept = [record for record in self.records() if record.total <= total]
        write_whole(self.metrics, b"".join(msgspec.json.encode(record) + b"\n" for record in kept))
        for file in (self.path / "groups").glob("[0-9]*.jsonl.gz"):
            if int(file.name.split(".")[0].split("-")[0]) > total:
                file.unlink()

    def write_groups(self, name: str, groups: Sequence[Group]) -> Path:
        """Keep trajectories: one group a line, compressed."""
        file = self.path / "groups" / f"{name}.jsonl.gz"
        file.parent.mkdir(exist_ok=True)
        text = b"".join(msgspec.json.encode(group) + b"\n" for group in groups)
        write_whole(file, gzip.compress(text, compresslevel=3, mtime=0))
        return file

    def groups(self, name: str) -> list[Group] | None:
        """What was kept under that name; None where nothing was."""
        file = self.path / "groups" / f"{name}.jsonl.gz"
        return list(read_groups(file)) if file.is_file() else None

    @contextmanager
    def locked(self) -> Generator[None]:
        """Be the only process that trains here. The lock goes with the process, however it ends.

        Raises:
            RunBusy: another one does.
        """
        import fcntl

        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise RunBusy(f"another process trains in {self.path}; wait for it, or choose another --out") from None
            yield


def read_groups(file: Path) -> Iterator[Group]:
    """The groups of a file, one a line, gzipped or not.

    Raises:
        CheckpointDamaged: a line is no group; the message names the line.
    """
    with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield msgspec.json.decode(line, type=Group)
            except msgspec.DecodeError as error:
                raise CheckpointDamaged(f"{file}:{number} is no group of trajectories: {error}") from error


def write_whole(file: Path, content: bytes) -> None:
    """Write a file such that it is there whole, or as it was."""
    building = file.with_name(f".{file.name}.building")
    with building.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    building.replace(file)
