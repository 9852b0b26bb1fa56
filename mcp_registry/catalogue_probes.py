"""The catalogue's probes: what the last validation of a tool has shown, until it is too old."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from mcp_registry import tables
from mcp_registry.database import Shelf, upsert
from mcp_registry.settings import ValidationSettings
from mcp_registry.validation import Outcome, Verdict
from retrieval.tool import ToolId


class Probes(Shelf):
    """Verdicts by tool; each stands for one fingerprint and one way to launch, `key`, and for no other."""

    def verdict(self, tool_id: ToolId, key: str, settings: ValidationSettings, *, now: datetime) -> Verdict | None:
        """The verdict that still counts; None when there is none, or it is too old, or the tool has changed."""
        query = select(tables.probe).where(tables.probe.c.tool_id == tool_id, tables.probe.c.key == key)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        outcome = Outcome(row.outcome)
        keep_s = settings.keep_s if outcome is Outcome.PASSED else settings.retry_s
        if now - row.at > timedelta(seconds=keep_s):
            return None
        return Verdict(outcome=outcome, reason=row.reason, arguments=row.arguments)

    def record_verdict(self, tool_id: ToolId, key: str, verdict: Verdict, *, at: datetime) -> None:
        """Keep a verdict in place of the tool's last one. A tool that is gone by now has none."""
        row: dict[str, Any] = {
            "tool_id": tool_id,
            "key": key,
            "outcome": verdict.outcome.value,
            "reason": verdict.reason,
            "arguments": dict(verdict.arguments),
            "at": at,
        }
        with self._database.writing() as connection:
            if connection.execute(select(tables.tool.c.tool_id).where(tables.tool.c.tool_id == tool_id)).first():
                upsert(connection, tables.probe, [row])
