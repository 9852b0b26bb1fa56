"""The tables of the runs, and the numbered steps that made them what they are."""

from agent.errors import StoreError
from agent.store.database import Session

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE agent_run (
            id TEXT PRIMARY KEY, goal TEXT NOT NULL, status TEXT NOT NULL,
            created_at DOUBLE PRECISION NOT NULL, updated_at DOUBLE PRECISION NOT NULL,
            parent TEXT, answer TEXT, tokens BIGINT NOT NULL, cost DOUBLE PRECISION NOT NULL, last_seq BIGINT NOT NULL
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
)
"""What each version adds to the one before. A step that was released is never changed."""

_TABLES = {"agent_run", "agent_event", "agent_lease"}
_VERSION = "agent_schema"


def is_current(session: Session) -> bool:
    """Whether the tables are as this code needs them.

    Raises:
        StoreError: they are a newer version's, or another program's.
    """
    return _stored_version(session) == len(STEPS)


def bring_up_to_date(session: Session) -> None:
    """Take the steps that are missing, within the transaction that is open.

    Raises:
        StoreError: as `is_current`.
    """
    session.database.lock_schema(session)
    version = _stored_version(session)
    if version is None:
        session.run(f"CREATE TABLE {_VERSION} (version BIGINT NOT NULL)")
        session.run(f"INSERT INTO {_VERSION} VALUES (0)")  # noqa: S608  a constant
    for step in STEPS[version or 0 :]:
        for statement in step:
            session.run(statement)
    session.run(f"UPDATE {_VERSION} SET version = ?", len(STEPS))  # noqa: S608  a constant


def _stored_version(session: Session) -> int | None:
    tables = session.database.tables(session)
    if _VERSION not in tables:
        if taken := sorted(tables & _TABLES):
            raise StoreError(
                f"{session.database.shown} holds another program's tables ({', '.join(taken)}): "
                "name a database of its own"
            )
        return None
    version = int(session.rows(f"SELECT version FROM {_VERSION}")[0][0])  # noqa: S608  a constant
    if version > len(STEPS):
        raise StoreError(
            f"the runs in {session.database.shown} were written by a newer Quartermaster (version {version} of their "
            f"tables; {len(STEPS)} is the newest known here): upgrade quartermaster, or name another database"
        )
    return version
