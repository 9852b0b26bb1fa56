"""`AuditTrail`: one row a call, written behind the call's back so that no call waits for the database."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from mcp_registry.catalogue import Catalogue
from mcp_registry.record import CallRecord

_FLUSH_S = 0.5


class AuditTrail:
    """Takes rows at once and writes them in batches; all are written when its block ends."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._rows: list[CallRecord] = []

    def add(self, row: CallRecord) -> None:
        """Keep one call."""
        self._rows.append(row)

    async def flush(self) -> None:
        """Write what has come since."""
        rows, self._rows = self._rows, []
        if rows:
            await asyncio.to_thread(self._catalogue.record_calls, rows)


@asynccontextmanager
async def open_audit_trail(catalogue: Catalogue) -> AsyncGenerator[AuditTrail]:
    """A trail that is flushed every half second, and when the block ends."""
    trail = AuditTrail(catalogue)

    async def keep_flushing() -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            await trail.flush()

    async with asyncio.TaskGroup() as group:
        flusher = group.create_task(keep_flushing())
        try:
            yield trail
        finally:
            flusher.cancel()
            await trail.flush()
