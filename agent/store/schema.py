"""`Schema`: some tables, and the numbered steps that made them what they are; brings a database to the newest."""

from dataclasses import dataclass

from agent.errors import StoreError
from agent.store.database import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """`version_table` has the number of steps that were taken; a step that was released is never changed.

    losable: the last commits may be lost if PostgreSQL itself crashes, so that none has to wait for its disk.
    """

    version_table: str
    tables: frozenset[str]
    steps: tuple[tuple[str, ...], ...]
    losable: bool = False

    def is_current(self, session: Session) -> bool:
        """Whether the tables are as this code needs them.

        Raises:
            StoreError: they are a newer version's, or another program's.
        """
        return self._stored(session) == len(self.steps)

    def bring_up_to_date(self, session: Session) -> None:
        """Take the steps that are missing, within the transaction that is open.

        Raises:
            StoreError: as `is_current`.
        """
        session.database.lock_schema(session)
        version = self._stored(session)
        if version is None:
            session.run(f"CREATE TABLE {self.version_table} (version BIGINT NOT NULL)")
            session.run(f"INSERT INTO {self.version_table} VALUES (0)")  # noqa: S608  a constant
        for step in self.steps[version or 0 :]:
            for statement in step:
                session.run(statement)
        session.run(f"UPDATE {self.version_table} SET version = ?", len(self.steps))  # noqa: S608  a constant

    def _stored(self, session: Session) -> int | None:
        tables, shown = session.database.tables(session), session.database.shown
        if self.version_table not in tables:
            if taken := sorted(tables & self.tables):
                raise StoreError(
                    f"{shown} holds another program's tables ({', '.join(taken)}): name a database of its own"
                )
            return None
        version = int(session.rows(f"SELECT version FROM {self.version_table}")[0][0])  # noqa: S608  a constant
        if version > len(self.steps):
            raise StoreError(
                f"{shown} was written by a newer Quartermaster ({self.version_table} says {version}; {len(self.steps)} "
                "is the newest known here): upgrade quartermaster, or name another database"
            )
        return version


RUNS = Schema(
    version_table="agent_schema",
    tables=frozenset({"agent_run", "agent_event", "agent_lease"}),
    steps=(
        (
            """CREATE TABLE agent_run (
                id TEXT PRIMARY KEY, goal TEXT NOT NULL, status TEXT NOT NULL,
                created_at DOUBLE PRECISION NOT NULL, updated_at DOUBLE PRECISION NOT NULL, parent TEXT, answer TEXT,
                tokens BIGINT NOT NULL, cost DOUBLE PRECISION NOT NULL, last_seq BIGINT NOT NULL
            )""",
            "CREATE INDEX agent_run_created_at ON agent_run (created_at)",
            "CREATE INDEX agent_run_status ON agent_run (status, created_at)",
            """CREATE TABLE agent_event (
                run_id TEXT NOT NULL, seq BIGINT NOT NULL, at DOUBLE PRECISION NOT NULL, event TEXT NOT NULL,
                PRIMARY KEY (run_id, seq)
            )""",
            """CREATE TABLE agent_lease (
                run_id TEXT PRIMARY KEY, owner TEXT NOT NULL, holder TEXT NOT NULL, until DOUBLE PRECISION NOT NULL
            )""",
        ),
    ),
)

CHECKPOINTS = Schema(
    version_table="agent_checkpoint_schema",
    losable=True,  # a run whose cursor is old or lost goes on from its journal
    tables=frozenset({"agent_checkpoint", "agent_checkpoint_write"}),
    steps=(
        (
            # BYTEA is a name that SQLite takes for any, and stores bytes under as they are.
            """CREATE TABLE agent_checkpoint (
                thread_id TEXT NOT NULL, ns TEXT NOT NULL, id TEXT NOT NULL, parent_id TEXT,
                kind TEXT NOT NULL, checkpoint BYTEA NOT NULL, metadata_kind TEXT NOT NULL, metadata BYTEA NOT NULL,
                PRIMARY KEY (thread_id, ns, id)
            )""",
            """CREATE TABLE agent_checkpoint_write (
                thread_id TEXT NOT NULL, ns TEXT NOT NULL, checkpoint_id TEXT NOT NULL, task_path TEXT NOT NULL,
                task_id TEXT NOT NULL, idx BIGINT NOT NULL, channel TEXT NOT NULL, kind TEXT NOT NULL, value BYTEA,
                PRIMARY KEY (thread_id, ns, checkpoint_id, task_id, idx)
            )""",
        ),
    ),
)
