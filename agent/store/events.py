"""Runs and events in and out of the tables: one function a statement, all over an open `Session`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from agent.errors import StoreError
from agent.event import Event, Recorded, decode, encode
from agent.journal import RunRecord, after_events
from agent.options import Status
from agent.store.database import Row, Session
from agent.store.lease import Lease
from mcp_registry.any_text import original, storable

_COLUMNS = "id, goal, status, created_at, updated_at, parent, answer, tokens, cost"
_RUN_COLUMNS = ", ".join(f"r.{name}" for name in _COLUMNS.split(", "))
_STATUSES = {status.value: status for status in Status}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What must be known of a run before something is appended to it."""

    run_id: str
    record: RunRecord | None
    last: int
    lease: Lease | None


@dataclass(frozen=True, slots=True)
class Writing:
    """Events on their way into the table, already as text: encoding is not the writing thread's work."""

    events: tuple[Event, ...]
    texts: tuple[str, ...]


def written(events: Sequence[Event]) -> Writing:
    """The events with their JSON.

    Lone surrogates, which JSON can spell and UTF-8 cannot, are spelt `\\ud800`.
    """
    return Writing(tuple(events), tuple(_text(event) for event in events))


def append(session: Session, known: Known, writing: Writing, at: float) -> list[Recorded]:
    """The events, added to their run; its record is brought up to date, or made."""
    run_id, record, last = known.run_id, known.record, known.last
    events = [Recorded(seq=last + place, at=at, event=event) for place, event in enumerate(writing.events, 1)]
    if not events:
        return []
    session.run_many(
        "INSERT INTO agent_event (run_id, seq, at, event) VALUES (?, ?, ?, ?)",
        [(run_id, each.seq, at, text) for each, text in zip(events, writing.texts, strict=True)],
    )
    fresh = RunRecord(id=run_id, goal="", status=Status.RUNNING, created_at=at, updated_at=at)
    _store(session, after_events(record or fresh, events), events[-1].seq, new=record is None)
    return events


def known(session: Session, run_id: str) -> Known:
    """One run's record and lease, if it has any, in one query."""
    sql = (
        f"SELECT {_RUN_COLUMNS}, r.last_seq, l.owner, l.holder, l.until FROM (SELECT CAST(? AS TEXT) AS id) k "  # noqa: S608
        "LEFT JOIN agent_run r ON r.id = k.id LEFT JOIN agent_lease l ON l.run_id = k.id"
    )
    *run, last, owner, holder, until = session.rows(sql, run_id)[0]
    return Known(
        run_id=run_id,
        record=None if run[0] is None else _record(tuple(run)),
        last=last or 0,
        lease=None if owner is None else Lease(owner, holder, until),
    )


def read(session: Session, run_id: str, after: int) -> list[Row]:
    """Rows of seq, time and text, in order; `recorded` makes events of them."""
    return session.rows(
        "SELECT seq, at, event FROM agent_event WHERE run_id = ? AND seq > ? ORDER BY seq", run_id, after
    )


def recorded(run_id: str, rows: Sequence[Row]) -> list[Recorded]:
    """The events of rows that `read` has found.

    Raises:
        StoreError: one of them is none that this code knows.
    """
    return [Recorded(seq=seq, at=at, event=_event(run_id, seq, text)) for seq, at, text in rows]


def find(session: Session, run_id: str) -> RunRecord | None:
    """One run's record."""
    rows = session.rows(f"SELECT {_COLUMNS} FROM agent_run WHERE id = ?", run_id)  # noqa: S608  constants
    return _record(rows[0]) if rows else None


def newest(session: Session, limit: int, status: Status | None) -> list[RunRecord]:
    """The newest runs first."""
    where, values = ("", ()) if status is None else ("WHERE status = ?", (status.value,))
    sql = f"SELECT {_COLUMNS} FROM agent_run {where} ORDER BY created_at DESC, id DESC LIMIT ?"  # noqa: S608  constants
    return [_record(row) for row in session.rows(sql, *values, max(0, limit))]


def abandoned(session: Session, limit: int) -> list[tuple[RunRecord, str | None, float]]:
    """Runs that say they run, newest first, with the holder of their lease, if any, and when that ends."""
    sql = (
        f"SELECT {_RUN_COLUMNS}, l.holder, l.until FROM agent_run r LEFT JOIN agent_lease l ON l.run_id = r.id "  # noqa: S608
        "WHERE r.status = ? ORDER BY r.created_at DESC, r.id DESC LIMIT ?"
    )
    return [(_record(row[:-2]), row[-2], row[-1] or 0.0) for row in session.rows(sql, Status.RUNNING.value, limit)]


def past_keeping(session: Session, before: float, keep: int, *, unfinished: bool) -> list[str]:
    """The ids of the runs that last changed before that time, beyond the newest `keep`; oldest first."""
    kept = [] if unfinished else [status.value for status in Status if not status.final]
    marks = "".join(" AND status <> ?" for _ in kept)
    sql = (
        f"SELECT id FROM agent_run WHERE updated_at < ?{marks} "  # noqa: S608  marks only
        "AND id NOT IN (SELECT id FROM agent_run ORDER BY created_at DESC, id DESC LIMIT ?) ORDER BY created_at, id"
    )
    return [id_ for (id_,) in session.rows(sql, before, *kept, max(0, keep))]


def delete(session: Session, run_id: str) -> bool:
    """Take a run, its events and its lease away; whether there was one."""
    there = bool(session.rows("SELECT 1 FROM agent_run WHERE id = ?", run_id))
    for sql in (
        "DELETE FROM agent_event WHERE run_id = ?",
        "DELETE FROM agent_run WHERE id = ?",
        "DELETE FROM agent_lease WHERE run_id = ?",
    ):
        session.run(sql, run_id)
    return there


def _store(session: Session, record: RunRecord, last: int, *, new: bool) -> None:
    answer = None if record.answer is None else storable(record.answer)
    values = (storable(record.goal), record.status.value, record.created_at, record.updated_at, record.parent, answer)
    sql = (
        "INSERT INTO agent_run (goal, status, created_at, updated_at, parent, answer, tokens, cost, last_seq, id) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        if new
        else "UPDATE agent_run SET goal = ?, status = ?, created_at = ?, updated_at = ?, parent = ?, answer = ?, "
        "tokens = ?, cost = ?, last_seq = ? WHERE id = ?"
    )
    session.run(sql, *values, record.tokens, record.cost, last, record.id)


def _record(row: Row) -> RunRecord:
    id_, goal, status, created_at, updated_at, parent, answer, tokens, cost = row
    return RunRecord(
        id=id_,
        goal=original(goal),
        # One of a newer version: whatever it means, nothing can be done with the run here.
        status=_STATUSES.get(status, Status.FAILED),
        created_at=created_at,
        updated_at=updated_at,
        parent=parent,
        answer=None if answer is None else original(answer),
        tokens=tokens,
        cost=cost,
    )


def _text(event: Event) -> str:
    try:
        return encode(event).decode()
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(event), separators=(",", ":"))


def _event(run_id: str, seq: int, text: str) -> Event:
    try:
        return decode(text)
    except msgspec.ValidationError as error:
        raise StoreError(
            f"event {seq} of run {run_id} cannot be read ({error}): it was written by another version of quartermaster"
        ) from None
    except msgspec.DecodeError:
        return _odd_event(run_id, seq, text)


def _odd_event(run_id: str, seq: int, text: str) -> Event:
    """One that holds lone surrogates, which msgspec does not read."""
    try:
        return msgspec.convert(json.loads(text), Event)
    except (ValueError, msgspec.ValidationError) as error:
        raise StoreError(f"event {seq} of run {run_id} is damaged ({error})") from None
