"""`ToolSpec`: one tool as its server publishes it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

ToolId = str
"""`server/name`. Server names have no `/`, so the first one splits it; tool names may have more."""


def canonical_json(value: object) -> str:
    """JSON that is the same text for the same value: sorted keys, no spaces, nothing escaped that need not be."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def split_tool_id(tool_id: ToolId) -> tuple[str, str]:
    """The server and the tool's own name; the name is empty when there is no `/`.

    Example:
        "git/git_log" -> ("git", "git_log");  "git" -> ("git", "")
    """
    server, _, name = tool_id.partition("/")
    return server, name


@dataclass(frozen=True, kw_only=True)
class ToolSpec:
    """One tool as published: whatever its server said of it, and nothing else.

    `extra` holds what the protocol lets a server add and we do not interpret (icons, `_meta`, vendor fields).

    Example:
        ToolSpec(server="git", name="git_log", description="Shows the commit logs",
                 input_schema={"type": "object", "properties": {"repo_path": {"type": "string"}}})
    """

    server: str
    name: str
    title: str | None = None
    description: str = ""
    input_schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    output_schema: Mapping[str, Any] | None = None
    annotations: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        if not self.server or "/" in self.server:
            raise ValueError(f"server name {self.server!r} must not be empty and must have no '/'")
        if not self.name:
            raise ValueError(f"a tool of server {self.server!r} has no name")

    @property
    def tool_id(self) -> ToolId:
        return f"{self.server}/{self.name}"

    @cached_property
    def published(self) -> dict[str, Any]:
        """What its server said, in the protocol's own spelling (camelCase), absent parts left out."""
        parts: dict[str, Any] = dict(self.extra)
        parts["name"] = self.name
        if self.title is not None:
            parts["title"] = self.title
        if self.description:
            parts["description"] = self.description
        parts["inputSchema"] = self.input_schema
        if self.output_schema is not None:
            parts["outputSchema"] = self.output_schema
        if self.annotations is not None:
            parts["annotations"] = self.annotations
        return parts

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the canonical JSON of all that is published (ScaleMCP, Algorithm 1).

        Every published field counts, hints and schemas too: a tool whose annotations change has changed.
        """
        return self._hash

    @cached_property
    def _hash(self) -> str:
        return hashlib.sha256(canonical_json(self.published).encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def read_only(self) -> bool:
        """True only when its server says so (`readOnlyHint`); a hint, not a promise."""
        return bool(self.annotations) and self.annotations.get("readOnlyHint") is True
