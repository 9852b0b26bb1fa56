"""Two files that only grow: the tasks, and what came of every candidate; a maker that was stopped goes on from them."""

import hashlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

from rl_trainer.errors import TaskInvalid
from rl_trainer.mutation.verifying import Tried
from rl_trainer.task import Task


class Journal:
    """Where tasks go. done: candidates by id with their outcomes, of this and of earlier runs; made: tasks so far."""

    def __init__(self, tasks: IO[bytes], tries: IO[bytes], done: dict[str, str], made: int) -> None:
        self._tasks = tasks
        self._tries = tries
        self.done = done
        self.made = made

    def add(self, tried: Tried) -> None:
        """Write it down; the task first, so that none is lost whose candidate counts as tried."""
        if tried.task is not None:
            _write(self._tasks, tried.task)
            self.made += 1
        _write(self._tries, msgspec.structs.replace(tried, task=None))
        self.done[tried.id] = tried.outcome


@contextmanager
def open_journal(out: Path, mark: str) -> Generator[Journal]:
    """The files `out` and `out`.tried, continued where they stop; a last line that was cut off is cut away.

    mark: what is made here; going on with another is refused.

    Raises:
        TaskInvalid: the files belong to other settings or another project.
    """
    beside = out.with_name(f"{out.name}.tried")
    known = _whole_lines(beside)
    if known and msgspec.json.decode(known[0], type=dict[str, Any]).get("mark") != mark:
        raise TaskInvalid(
            f"{out} was made from another project or with other settings: name another file, or remove it"
        )
    records = [msgspec.json.decode(line, type=Tried) for line in known[1:]]
    done = {record.id: record.outcome for record in records}
    tasks = [msgspec.json.decode(line, type=Task).id for line in _whole_lines(out)]
    if out.exists() and out.stat().st_size and not known:
        raise TaskInvalid(f"{out} is there already, and {beside} is not: name another file, or remove it")
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("ab") as tasks_file, beside.open("ab") as tries:
        if not known:
            _write(tries, {"mark": mark})
        journal = Journal(tasks_file, tries, done, len(tasks))
        for id_ in tasks:
            journal.done.setdefault(id_.partition("/")[2], "task")
        yield journal


def mark_of(*what: Any) -> str:
    """A hash of what determines the tasks."""
    return hashlib.sha256(msgspec.json.encode(what, order="deterministic")).hexdigest()[:16]


def _whole_lines(path: Path) -> list[bytes]:
    """The lines that were written to their end; the file is shortened to them."""
    if not path.exists():
        return []
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        os.truncate(path, end)
    return content[:end].splitlines()


def _write(file: IO[bytes], record: Any) -> None:
    file.write(msgspec.json.encode(record) + b"\n")
    file.flush()
