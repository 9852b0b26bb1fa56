"""Runs that were at work when their process was killed: found, and marked as interrupted."""

import time

from agent.errors import StoreError
from agent.event import StatusChanged
from agent.options import Status
from agent.store import SqlJournal

REASON = "its process ended: resume it to go on"
_JUST_BEGUN_S = 30.0
"""A run that has changed since may only just be about to be worked on."""


async def mark_abandoned(journal: SqlJournal, *, older_than_s: float = _JUST_BEGUN_S) -> list[str]:
    """The ids of the runs that said that they run while nobody works on them; they say so now."""
    marked: list[str] = []
    for record in await journal.abandoned():
        if record.updated_at > time.time() - older_than_s:
            continue
        try:
            await journal.append(record.id, [StatusChanged(status=Status.INTERRUPTED, reason=REASON)])
        except StoreError:
            continue  # somebody has just taken it up
        marked.append(record.id)
    return marked
