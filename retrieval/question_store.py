"""Synthetic questions, written once and kept: one SQLite file, and the run that fills it."""

import asyncio
import json
import sqlite3
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import IndexDamaged, RetrievalError
from retrieval.question_writers import QuestionWriter
from retrieval.tdwa import QuestionsOf
from retrieval.tool import ToolSpec
from retrieval.vector_store import Progress

_BUSY_S = 60.0
_TABLE = """CREATE TABLE IF NOT EXISTS question (
    server TEXT NOT NULL, fingerprint TEXT NOT NULL, writer TEXT NOT NULL, questions TEXT NOT NULL,
    PRIMARY KEY (server, fingerprint, writer)) WITHOUT ROWID"""


class QuestionStore:
    """Questions by server, tool fingerprint and writer. What is written stays: a tool that changes has another key.

    The server belongs to the key because it belongs to the meaning: `search` is another tool at every product. Each
    write is one transaction; any number of processes may read meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, writer: str) -> QuestionsOf:
        """The questions that a writer has written by now, as TDWA asks for them; none for a tool without."""
        held = {
            (server, fingerprint): json.loads(questions)
            for server, fingerprint, questions in self._select(
                "SELECT server, fingerprint, questions FROM question WHERE writer = ?", (writer,)
            )
        }
        return lambda tool: held.get((tool.server, tool.fingerprint), ())

    def by_writer(self, tool: ToolSpec) -> dict[str, list[str]]:
        """The questions of one tool, by the writers that have written some."""
        rows = self._select(
            "SELECT writer, questions FROM question WHERE server = ? AND fingerprint = ? ORDER BY writer",
            (tool.server, tool.fingerprint),
        )
        return {writer: json.loads(questions) for writer, questions in rows}

    def missing(self, tools: Iterable[ToolSpec], writer: str) -> list[ToolSpec]:
        """The tools that a writer has not written for, each once."""
        held = set(self._select("SELECT server, fingerprint FROM question WHERE writer = ?", (writer,)))
        wanted = {(tool.server, tool.fingerprint): tool for tool in tools}
        return [tool for key, tool in wanted.items() if key not in held]

    def add(self, tool: ToolSpec, writer: str, questions: Sequence[str]) -> None:
        """Keep the questions of a tool; the first that were written stay."""
        row = (tool.server, tool.fingerprint, writer, json.dumps(list(questions), ensure_ascii=False))
        with self._connected() as connection:
            connection.execute(_TABLE)
            connection.execute("INSERT OR IGNORE INTO question VALUES (?, ?, ?, ?)", row)

    def _select(self, statement: str, values: Sequence[str]) -> list[tuple[str, ...]]:
        if not self._path.exists():
            return []
        with self._connected() as connection:
            connection.execute(_TABLE)
            return connection.execute(statement, values).fetchall()

    @contextmanager
    def _connected(self) -> Generator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = sqlite3.connect(self._path, timeout=_BUSY_S)
            try:
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            raise IndexDamaged(
                f"the questions in {self._path} cannot be read or written ({error}); "
                "delete the file if it is damaged, and the questions are written anew"
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How a run of `write_questions` ended: how many tools got questions, how many had them, and why some got none."""

    new: int
    kept: int
    failed: Mapping[str, str]
    """By tool id: what went wrong."""


async def write_questions(
    tools: Sequence[ToolSpec],
    writer: QuestionWriter,
    store: QuestionStore,
    *,
    progress: Progress | None = None,
    at_once: int = 4,
) -> Written:
    """Have a writer write for every tool that it has not written for yet; each result is kept as soon as it is there.

    A tool that fails stops no other, and is tried again by the next run. `at_once`: so many tools at a time.
    """
    missing = await asyncio.to_thread(store.missing, tools, writer.id)
    waiting = iter(missing)
    failed: dict[str, str] = {}
    done = 0

    async def work() -> None:
        nonlocal done
        for tool in waiting:
            try:
                questions = await writer.write(tool)
            except RetrievalError as error:
                failed[tool.tool_id] = str(error)
            else:
                await asyncio.to_thread(store.add, tool, writer.id, questions)
            done += 1
            if progress is not None:
                progress(done, len(missing))

    async with asyncio.TaskGroup() as group:
        for _ in range(max(1, at_once)):
            group.create_task(work())
    kept = len({(tool.server, tool.fingerprint) for tool in tools}) - len(missing)
    return Written(new=len(missing) - len(failed), kept=kept, failed=failed)
