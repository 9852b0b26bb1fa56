"""Feeds: files that tell of servers and tools. Reading one starts nothing."""

from dataclasses import dataclass

from mcp_registry.offer import Offer
from mcp_registry.server import ServerSpec
from retrieval.tool import ToolSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What one file holds. `problems` names each entry that was left out, and why; the others are not affected."""

    form: str
    """What the file was recognised as, in words: `mcpServers configuration`, `MCPCorpus crawl`, ..."""
    servers: tuple[ServerSpec, ...] = ()
    offers: tuple[Offer, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What was kept but changed, and what the operator must do for it: a variable to export, a new name."""
