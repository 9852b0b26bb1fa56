"""The durable journal: runs and their events in SQLite or PostgreSQL, and who works on which (docs/runs-store.md)."""

from agent.store.opening import journal_url, open_journal
from agent.store.sql_journal import SqlJournal

__all__ = ["SqlJournal", "journal_url", "open_journal"]
