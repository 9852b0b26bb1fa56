"""`AuditTrail`: one row a call, written behind the call's back so that no call waits for the database."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from mcp_registry.catalogue import Catalogue
from mcp_registry.errors import CatalogueError
from mcp_registry.record import CallRecord

logger = logging.getLogger(__name__)

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
        """Write what has come since. A database that cannot be written costs these rows, and says so in the log."""
        rows, self._rows = self._rows, []
        if not rows:
            return
        try:
            await asyncio.to_thread(self._catalogue.record_calls, rows)
        except CatalogueError as error:
            logger.warning("%d calls are missing in the audit trail: %s", len(rows), error)


@asynccontextmanager
async def open_audit_trail(catalogue: Catalogue) -> AsyncGenerator[AuditTrail]:
    """A trail that is flushed every half second, and when the block ends."""
    trail = AuditTrail(catalogue)

    async def keep_flushing() -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            await trail.flush()

    flusher = asyncio.create_task(keep_flushing(), name="audit trail")
    try:
        yield trail
    finally:
        flusher.cancel()
        await asyncio.wait({flusher})
        await trail.flush()
