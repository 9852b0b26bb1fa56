"""Appends to runs of a journal until it is killed; prints run and number of each event that `append` has returned."""

import asyncio
import sys

from agent.event import Noted
from agent.store import open_journal


async def _work(url: str) -> None:
    async with open_journal(url) as journal:

        async def one(name: str) -> None:
            async with journal.lease(name):
                for number in range(1_000_000):
                    for each in await journal.append(name, [Noted(text=f"{number}" * 50), Noted(text="second")]):
                        print(name, each.seq, flush=True)

        await asyncio.gather(*(one(f"run-{number}") for number in range(5)))


asyncio.run(_work(sys.argv[1]))
