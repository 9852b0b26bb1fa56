"""`LatestSaver`: a LangGraph checkpointer over the runs' store, which keeps each run's newest checkpoint only.

The graph's state is a cursor; what happened is in the journal, and `runs fork` goes back in that. So nothing ever asks
for an old checkpoint: each new one deletes those before its parent in the same transaction, and a run of any length has
two. Commits are shared between all runs that wait at the same time (agent/store/writer), which LangGraph's own savers,
with one lock and a commit for each, do not.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from agent.store.database import Database, Row, Session
from agent.store.reader import Reader
from agent.store.schema import CHECKPOINTS
from agent.store.writer import Writer
from mcp_registry.any_text import storable

_COLUMNS = "ns, id, parent_id, kind, checkpoint, metadata_kind, metadata"


def strict_serializer() -> JsonPlusSerializer:
    """Reads plain data and LangGraph's own types; whatever else a checkpoint names is not imported, and not called."""
    return JsonPlusSerializer(pickle_fallback=False, allowed_json_modules=None, allowed_msgpack_modules=None)


class LatestSaver(BaseCheckpointSaver[int]):
    """The newest checkpoint of each run with its parent, and their pending writes; for async graphs."""

    def __init__(self, database: Database, writer: Writer, reader: Reader) -> None:
        super().__init__(serde=strict_serializer())
        self._database = database
        self._writer = writer
        self._reader = reader

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint that the config names, or the newest; None where there is none."""
        thread_id, ns = _place(config)
        found = await self._reader.ask(lambda session: _find(session, thread_id, ns, get_checkpoint_id(config)))
        return None if found is None else self._loaded(thread_id, *found)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  LangGraph's name for it
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """The checkpoints that are kept, newest first; of one run, so the config must name it."""
        if config is None:
            raise NotImplementedError("checkpoints are listed by run: give a config with a thread_id")
        thread_id, ns = _place(config)
        below = get_checkpoint_id(before) if before else None
        for row, writes in await self._reader.ask(lambda session: _all(session, thread_id, ns, below)):
            loaded = self._loaded(thread_id, row, writes)
            if filter and any(loaded.metadata.get(key) != value for key, value in filter.items()):
                continue
            if limit is not None and limit <= 0:
                return
            limit = None if limit is None else limit - 1
            yield loaded

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep a checkpoint, and no others but its parent."""
        del new_versions
        thread_id, ns = _place(config)
        parent, id_ = get_checkpoint_id(config), checkpoint["id"]
        about = get_checkpoint_metadata(config, metadata)
        row = (id_, parent, *self.serde.dumps_typed(checkpoint), *self.serde.dumps_typed(about))
        await self._writer.do(lambda session: _put(session, thread_id, ns, row), key=thread_id)
        return _config(thread_id, ns, id_)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keep what a task of the checkpoint's next step has written."""
        thread_id, ns = _place(config)
        place = (thread_id, ns, get_checkpoint_id(config), task_path, task_id)
        rows = [
            (*place, WRITES_IDX_MAP.get(channel, number), channel, *self.serde.dumps_typed(value))
            for number, (channel, value) in enumerate(writes)
        ]
        # An interrupt or an error may come again, and then counts; what a task has written is written once.
        again = all(channel in WRITES_IDX_MAP for channel, _ in writes)
        await self._writer.do(lambda session: _put_writes(session, rows, again=again), key=thread_id)

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget a run."""
        thread_id = storable(thread_id)
        await self._writer.do(lambda session: _delete(session, thread_id), key=thread_id)

    async def give_back(self) -> None:
        """Make the file smaller by what was deleted (SQLite)."""
        await self._writer.do(self._database.give_back, alone=True)

    async def size(self) -> int:
        """Bytes on disk."""
        return await self._reader.ask(lambda session: self._database.size(session, CHECKPOINTS.tables))

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        raise NotImplementedError("use the graph's async methods")

    def list(self, *arguments: Any, **named: Any) -> Iterator[CheckpointTuple]:
        raise NotImplementedError("use the graph's async methods")

    def _loaded(self, thread_id: str, row: Row, writes: Sequence[Row]) -> CheckpointTuple:
        ns, id_, parent, kind, checkpoint, metadata_kind, metadata = row
        return CheckpointTuple(
            config=_config(thread_id, ns, id_),
            checkpoint=self.serde.loads_typed((kind, checkpoint)),
            metadata=self.serde.loads_typed((metadata_kind, metadata)),
            parent_config=_config(thread_id, ns, parent) if parent else None,
            pending_writes=[
                (task_id, channel, self.serde.loads_typed((kind, value))) for task_id, channel, kind, value in writes
            ],
        )


def _place(config: RunnableConfig) -> tuple[str, str]:
    names = config["configurable"]  # pyright: ignore[reportTypedDictNotRequiredAccess]
    return storable(str(names["thread_id"])), str(names.get("checkpoint_ns", ""))


def _config(thread_id: str, ns: str, id_: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": ns, "checkpoint_id": id_}}


def _find(session: Session, thread_id: str, ns: str, id_: str | None) -> tuple[Row, list[Row]] | None:
    sql = f"SELECT {_COLUMNS} FROM agent_checkpoint WHERE thread_id = ? AND ns = ?"  # noqa: S608  constants
    if id_ is not None:
        found = session.rows(f"{sql} AND id = ?", thread_id, ns, id_)
    else:
        found = session.rows(f"{sql} ORDER BY id DESC LIMIT 1", thread_id, ns)
    return (found[0], _writes(session, thread_id, found[0])) if found else None


def _all(session: Session, thread_id: str, ns: str, below: str | None) -> list[tuple[Row, list[Row]]]:
    sql = f"SELECT {_COLUMNS} FROM agent_checkpoint WHERE thread_id = ? AND ns = ? ORDER BY id DESC"  # noqa: S608
    rows = session.rows(sql, thread_id, ns)
    return [(row, _writes(session, thread_id, row)) for row in rows if below is None or row[1] < below]


def _writes(session: Session, thread_id: str, row: Row) -> list[Row]:
    # The order in which LangGraph applies them.
    sql = (
        "SELECT task_id, channel, kind, value FROM agent_checkpoint_write "
        "WHERE thread_id = ? AND ns = ? AND checkpoint_id = ? ORDER BY task_path, task_id, idx"
    )
    return session.rows(sql, thread_id, row[0], row[1])


def _put(session: Session, thread_id: str, ns: str, row: Row) -> None:
    id_, parent = row[0], row[1] or ""
    session.run("DELETE FROM agent_checkpoint WHERE thread_id = ? AND ns = ? AND id <> ?", thread_id, ns, parent)
    session.run(
        "DELETE FROM agent_checkpoint_write WHERE thread_id = ? AND ns = ? AND checkpoint_id NOT IN (?, ?)",
        thread_id,
        ns,
        id_,
        parent,
    )
    session.run(
        "INSERT INTO agent_checkpoint (thread_id, ns, id, parent_id, kind, checkpoint, metadata_kind, metadata) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        thread_id,
        ns,
        *row,
    )


def _put_writes(session: Session, rows: Sequence[Row], *, again: bool) -> None:
    session.run_many(
        "INSERT INTO agent_checkpoint_write "
        "(thread_id, ns, checkpoint_id, task_path, task_id, idx, channel, kind, value) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (thread_id, ns, checkpoint_id, task_id, idx) DO "
        + (
            "UPDATE SET channel = excluded.channel, kind = excluded.kind, value = excluded.value"
            if again
            else "NOTHING"
        ),
        rows,
    )


def _delete(session: Session, thread_id: str) -> None:
    session.run("DELETE FROM agent_checkpoint WHERE thread_id = ?", thread_id)
    session.run("DELETE FROM agent_checkpoint_write WHERE thread_id = ?", thread_id)
