"""`Annotation`: what a tool's hints say that it may do, with MCP's defaults for hints that are not given."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

from mcp_registry.facts import FactRows
from retrieval.tool import ToolId, ToolSpec, split_tool_id


class Annotation(StrEnum):
    """The names of annotations in patterns of the policy. A tool is either read-only or write."""

    READ_ONLY = "read-only"
    WRITE = "write"
    DESTRUCTIVE = "destructive"
    IDEMPOTENT = "idempotent"
    OPEN_WORLD = "open-world"


def annotations_of(hints: Mapping[str, Any] | None, *, read_only: bool = False) -> frozenset[Annotation]:
    """What the hints (`readOnlyHint` and so on) come to; `read_only` is the operator's word on the tool's server.

    A tool without hints writes, may destroy, must not be repeated and reaches the outside (MCP's defaults). One that
    says of itself both that it only reads and that it destroys is taken to destroy. Reading is idempotent.
    """
    given = hints or {}
    reads = read_only or (given.get("readOnlyHint") is True and given.get("destructiveHint") is not True)
    found = {Annotation.READ_ONLY if reads else Annotation.WRITE}
    if not reads and given.get("destructiveHint") is not False:
        found.add(Annotation.DESTRUCTIVE)
    if reads or given.get("idempotentHint") is True:
        found.add(Annotation.IDEMPOTENT)
    if given.get("openWorldHint") is not False:
        found.add(Annotation.OPEN_WORLD)
    return frozenset(found)


def tool_annotations(tool: ToolSpec, *, read_only: bool = False) -> frozenset[Annotation]:
    """The same of a tool."""
    return annotations_of(tool.annotations, read_only=read_only)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hints:
    """The hints of all tools of one state of a catalogue, by id. Two are never equal, as with `Facts`."""

    by_tool: Mapping[ToolId, Mapping[str, Any]] = field(default_factory=dict[ToolId, Mapping[str, Any]])
    read_only_servers: frozenset[str] = frozenset()

    def annotations(self, tool_id: ToolId) -> frozenset[Annotation]:
        """Those of a tool by its id alone."""
        read_only = split_tool_id(tool_id)[0] in self.read_only_servers
        return annotations_of(self.by_tool.get(tool_id), read_only=read_only)


def hints_of(rows: FactRows, read_only_servers: Iterable[str]) -> Hints:
    """The hints in the catalogue's rows."""
    found: dict[ToolId, Mapping[str, Any]] = {}
    for id_, published in rows.hinted:
        hints: object = json.loads(published).get("annotations")
        if isinstance(hints, dict):
            found[id_] = cast("Mapping[str, Any]", hints)
    return Hints(by_tool=found, read_only_servers=frozenset(read_only_servers))
