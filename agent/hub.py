"""`Hub`: tells whoever follows a run what is written in its journal, as it is written."""

import asyncio
from collections.abc import AsyncGenerator

from agent.event import Recorded, StatusChanged
from agent.journal import Journal

_MOST = 10_000
"""A follower who is further behind reads on from the journal."""


class Hub:
    """Followers by run. `tell` and `text` are what `Deps.listen` and `Deps.on_text` are set to."""

    def __init__(self) -> None:
        self._followers: dict[str, set[asyncio.Queue[Recorded | str | None]]] = {}

    def tell(self, run_id: str, recorded: Recorded) -> None:
        """Pass an event on."""
        self._pass_on(run_id, recorded)

    def text(self, run_id: str, text: str) -> None:
        """Pass on what the model is writing; it is told only to those who follow now."""
        self._pass_on(run_id, text)

    def _pass_on(self, run_id: str, what: Recorded | str) -> None:
        for queue in self._followers.get(run_id, ()):
            if queue.qsize() < _MOST:
                queue.put_nowait(what)

    def close(self) -> None:
        """End every following."""
        for queues in self._followers.values():
            for queue in queues:
                queue.put_nowait(None)

    async def follow(
        self, run_id: str, journal: Journal, *, after: int = 0, to_the_end: bool = True
    ) -> AsyncGenerator[Recorded | str]:
        """The run's events with a `seq` beyond `after`, each once and in order, and the model's words in between.

        It ends with the run; with `to_the_end` off also when the run has to wait for somebody.
        """
        queue: asyncio.Queue[Recorded | str | None] = asyncio.Queue()
        self._followers.setdefault(run_id, set()).add(queue)
        try:
            # The record first: of a run that has ended by now, the events that are read next are all there will be.
            record = await journal.run(run_id)
            for recorded in await journal.events(run_id, after=after):
                after = recorded.seq
                yield recorded
            if record is None or record.status.final:
                return
            while (what := await queue.get()) is not None:
                if isinstance(what, str):
                    yield what
                    continue
                for recorded in await self._since(run_id, journal, what, after):
                    after = recorded.seq
                    yield recorded
                    if _ends(recorded, to_the_end=to_the_end):
                        return
        finally:
            self._followers[run_id].discard(queue)
            if not self._followers[run_id]:
                del self._followers[run_id]

    async def _since(self, run_id: str, journal: Journal, told: Recorded, after: int) -> list[Recorded]:
        """What was told, if it is new; what a full queue has dropped in between is read."""
        if told.seq <= after:
            return []
        return [told] if told.seq == after + 1 else await journal.events(run_id, after=after)


def _ends(recorded: Recorded, *, to_the_end: bool) -> bool:
    match recorded.event:
        case StatusChanged(status=status):
            return status.final or not to_the_end
        case _:
            return False
