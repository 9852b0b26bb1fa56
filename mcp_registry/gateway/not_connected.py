"""Servers that are not connected and would fit better than what is: what the gateway says of them."""

import asyncio
from typing import Any

from mcp_registry.offer import Offer, how_to_add
from mcp_registry.registry import Registry

_MAX_SERVERS = 2
_DESCRIPTION_CHARACTERS = 200


class NotConnected:
    """Looks for server cards (RAG-MCP, section 3.2) where no tool fits as well; costs nothing where there are none."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._seen = (-1, False)

    async def better_than(self, score: float, query: str) -> list[dict[str, Any]]:
        """The best offered servers that fit the query better than a score, with how each is added; at most two."""
        if not await self._any_cards():
            return []
        hits = await self._registry.offered(query, _MAX_SERVERS)
        offers = [
            (hit, await asyncio.to_thread(self._registry.catalogue.offer, hit.id)) for hit in hits if hit.score > score
        ]
        return [_entry(offer, hit.score) for hit, offer in offers if offer is not None]

    async def _any_cards(self) -> bool:
        generation = self._registry.index.generation
        if self._seen[0] != generation:
            self._seen = (generation, bool(await self._registry.offered("server", 1)))
        return self._seen[1]


def _entry(offer: Offer, score: float) -> dict[str, Any]:
    return {
        "server": offer.name,
        "description": " ".join(offer.card.description.split())[:_DESCRIPTION_CHARACTERS],
        "score": round(score, 4),
        "ask_the_user_to_run": how_to_add(offer.name, launchable=bool(offer.launch)),
    }
