"""`ServerCard`: what is known of a server that is not connected."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from retrieval.tool import canonical_json


@dataclass(frozen=True, kw_only=True)
class ServerCard:
    """A server known by description only; it stands in the same index as the tools (RAG-MCP, section 3.2).

    Its id in the index is its name: names have no `/`, so a card never collides with a tool.

    Example:
        ServerCard(name="notion-api-mcp", title="Notion", description="Create and query Notion pages.",
                   tags=("notes", "productivity"))
    """

    name: str
    title: str | None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    tool_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name or "/" in self.name:
            raise ValueError(f"server name {self.name!r} must not be empty and must have no '/'")

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of what is known."""
        return self._hash

    @cached_property
    def _hash(self) -> str:
        known = [self.name, self.title, self.description, self.tags, self.tool_names]
        return hashlib.sha256(canonical_json(known).encode("utf-8", "surrogatepass")).hexdigest()
