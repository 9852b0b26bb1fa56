"""`load_tasks`: tasks from any file or folder that a loader knows; a bad record is told and skipped."""

import gzip
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from rl_trainer.errors import TaskInvalid, TrainingDataMissing
from rl_trainer.task import Task
from rl_trainer.tasks import bugsinpy, exercism, humaneval, quixbugs, swe_bench, tau2
from rl_trainer.tasks.contents import Contents, nowhere
from rl_trainer.tasks.record import BadRecord, Record, Wanted

_log = logging.getLogger(__name__)

Loader = Callable[[Record], Task]
Report = Callable[[BadRecord], None]


def own(record: Record) -> Task:
    """A task in the project's own form: `Task` as JSON."""
    try:
        return msgspec.convert(record, Task)
    except msgspec.ValidationError as error:
        raise TaskInvalid(str(error)) from error


FORMATS: dict[str, Loader] = {
    "tasks": own,
    "exercism-bugs": exercism.bug,
    "exercism": exercism.from_stub,
    "humanevalfix": humaneval.fix,
    "humanevalpack": humaneval.pack,
    "swe-bench": swe_bench.instance,
    "bugsinpy": bugsinpy.bug,
    "quixbugs": quixbugs.program,
    "tau2-airline": tau2.airline,
}
_FOLDERS: dict[str, Callable[[Path], Iterator[Record]]] = {"bugsinpy": bugsinpy.records, "quixbugs": quixbugs.records}
_FIELDS: tuple[tuple[str, frozenset[str]], ...] = (
    ("tasks", frozenset({"id", "goal", "environment"})),
    ("swe-bench", frozenset({"instance_id", "FAIL_TO_PASS"})),
    ("exercism-bugs", frozenset({"exercise", "strategy", "fail_to_pass", "gold_patch"})),
    ("exercism", frozenset({"files", "tests", "gold"})),
    ("humanevalfix", frozenset({"files", "hidden_tests", "gold_solution"})),
    ("tau2-airline", frozenset({"scenario", "actions", "criteria"})),
    ("humanevalpack", frozenset({"entry_point", "buggy_solution", "canonical_solution"})),
)


def log_bad(bad: BadRecord) -> None:
    """Say it where other warnings go."""
    _log.warning("%s: skipped", bad)


def load_tasks(
    source: str | Path,
    *,
    format: str | None = None,  # noqa: A002
    wanted: Wanted | None = None,
    contents: Contents = nowhere,
    report: Report = log_bad,
) -> Iterator[Task]:
    """The tasks of a file (JSON lines, gzipped or not), of a folder, or of a data set on the Hugging Face hub.

    format: one of `FORMATS`; recognised where none is named, each record by its fields. wanted: what to keep.
    contents: where the text of files comes from that a record only has diffs of.

    Raises:
        TrainingDataMissing: there is nothing of that name. TaskInvalid: there is no such format.
    """
    if format is not None and format not in FORMATS:
        raise TaskInvalid(f"no format {format!r}; there are {', '.join(FORMATS)}")
    if format is None and Path(source).is_dir():
        format = "bugsinpy" if (Path(source) / "projects").is_dir() else "quixbugs"  # noqa: A001
    seen: set[str] = set()
    for line, record in _records(source, format):
        try:
            if isinstance(record, str):
                raise TaskInvalid(record)
            name = format or recognised(record)
            task = swe_bench.instance(record, contents=contents) if name == "swe-bench" else FORMATS[name](record)
            if task.id in seen:
                raise TaskInvalid(f"a second task {task.id!r}")
            if reason := (wanted or Wanted()).refuses(task):
                raise TaskInvalid(f"task {task.id!r} is not wanted: {reason}")
        except TaskInvalid as error:
            report(BadRecord(source=str(source), line=line, reason=str(error)))
        else:
            seen.add(task.id)
            yield task


def recognised(record: Record) -> str:
    """The format of a record by its fields.

    Raises:
        TaskInvalid: it is of none.
    """
    for name, fields in _FIELDS:
        if fields <= record.keys():
            return name
    raise TaskInvalid(f"no known form has the fields {', '.join(sorted(record))}; name one: {', '.join(FORMATS)}")


def _records(source: str | Path, format: str | None) -> Iterator[tuple[int, Record | str]]:  # noqa: A002
    path = Path(source)
    if path.is_dir():
        if format not in _FOLDERS:
            raise TaskInvalid(f"{path} is a folder, and {format} are records in a file")
        yield from enumerate(_FOLDERS[format](path), 1)
    elif path.is_file():
        yield from _lines(path)
    elif isinstance(source, str) and source.count("/") == 1 and not path.suffix:
        from rl_trainer.tasks.hub import rows

        yield from enumerate(rows(source), 1)
    else:
        raise TrainingDataMissing(f"no tasks at {source}: give a file of JSON lines, a folder, or a name on the hub")


def _lines(path: Path) -> Iterator[tuple[int, Record | str]]:
    """Each line's record, or what is wrong with it."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, _decoded(line)


def _decoded(line: bytes) -> Mapping[str, Any] | str:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError as error:
        return f"no JSON object: {error}"
