"""`quartermaster search --validate`: the same search through the registry, which starts the servers that it probes."""

import asyncio
from collections.abc import Sequence

from mcp_registry.cli.console import embedding_progress
from mcp_registry.home import Home
from mcp_registry.llm_query import LlmQuery
from mcp_registry.registry import open_registry
from mcp_registry.settings import Settings
from mcp_registry.validation import Candidate
from retrieval.chat import Chat, endpoint_from_environment
from retrieval.errors import ChatUnavailable
from retrieval.filters import Filter


def search_validated(
    home: Home, settings: Settings, asked: Sequence[str], k: int, *, only: Filter | None, profile: str | None
) -> list[Candidate]:
    """The k best tools with their verdicts; a language model writes queries where one is set in the environment."""

    async def run() -> list[Candidate]:
        with embedding_progress() as progress:
            async with open_registry(home, settings, progress=progress, profile=profile) as registry:
                # What fails is put last, so that something must stand in reserve for its place.
                found = await registry.search(asked, k + settings.validation.candidates, only=only)
                return (await registry.validated(found, _writer()))[:k]

    return asyncio.run(run())


def _writer() -> LlmQuery | None:
    try:
        return LlmQuery(Chat(endpoint_from_environment()))
    except ChatUnavailable:
        return None
