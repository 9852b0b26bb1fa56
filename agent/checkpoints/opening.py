"""`open_checkpointer`: the checkpoint saver of a state folder, a URL, or of nothing but memory."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from agent.errors import MissingExtra
from agent.store.opening import beside_catalogue, open_tables
from agent.store.schema import CHECKPOINTS
from mcp_registry.home import Home


def checkpoints_url(home: Home) -> str:
    """In the catalogue's PostgreSQL, if that is where it is; else in the file `checkpoints.db`."""
    return beside_catalogue(home, "checkpoints.db")


@asynccontextmanager
async def open_checkpointer(where: Home | str | None) -> AsyncGenerator[Any]:
    """A LangGraph `BaseCheckpointSaver`; what is None is kept in memory only.

    Raises:
        MissingExtra: LangGraph, or the PostgreSQL driver, is not installed. StoreError: as `open_journal`.
    """
    try:
        from agent.checkpoints.saver import LatestSaver, strict_serializer
    except ImportError as error:
        raise MissingExtra("running goals", "agent") from error
    if where is None:
        from langgraph.checkpoint.memory import InMemorySaver

        yield InMemorySaver(serde=strict_serializer())
        return
    url = checkpoints_url(where) if isinstance(where, Home) else where
    async with open_tables(url, CHECKPOINTS) as (database, writer, reader):
        yield LatestSaver(database, writer, reader)


async def forget(saver: Any, run_ids: Iterable[str]) -> None:
    """Delete the checkpoints of these runs, whichever saver has them, and make its file smaller where it can."""
    for run_id in run_ids:
        await saver.adelete_thread(run_id)
    if give_back := getattr(saver, "give_back", None):
        await give_back()
