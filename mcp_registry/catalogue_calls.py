"""The catalogue's audit: which tool was called when, for how long, and how it ended."""

from collections.abc import Iterable
from dataclasses import asdict

from sqlalchemy import func, select

from mcp_registry import tables
from mcp_registry.database import Shelf
from mcp_registry.record import CallRecord


class Calls(Shelf):
    """What was called. Neither arguments nor answers are kept: they may hold what nobody else may read."""

    calls_kept: int = 100_000
    """So many of the newest calls; older ones are removed."""

    def record_calls(self, calls: Iterable[CallRecord]) -> None:
        """Add calls, in their order, and remove those that are too old to be kept."""
        rows = [asdict(call) for call in calls]
        if not rows:
            return
        number = tables.call.c.id
        newest = select(func.max(number)).scalar_subquery()
        with self._database.appending() as connection:
            connection.execute(tables.call.insert(), rows)
            connection.execute(tables.call.delete().where(number <= newest - self.calls_kept))

    def calls(self, limit: int = 50) -> list[CallRecord]:
        """The newest calls, newest first."""
        columns = [column for column in tables.call.columns if column.name != "id"]
        query = select(*columns).order_by(tables.call.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return [CallRecord(**row) for row in connection.execute(query).mappings()]
