"""`Known`: what the calls of one generation of the catalogue have looked up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mcp_registry.record import ServerRecord
from retrieval.tool import ToolId, ToolSpec


@dataclass(slots=True)
class Known:
    """A cache that is thrown away whole when the catalogue has changed."""

    generation: int = -1
    tools: dict[ToolId, ToolSpec] = field(default_factory=dict[ToolId, ToolSpec])
    servers: dict[str, ServerRecord] = field(default_factory=dict[str, ServerRecord])
    startable: set[str] | None = None

    def definitions(
        self, ids: Sequence[ToolId], read: Callable[[Sequence[ToolId]], Mapping[ToolId, ToolSpec]]
    ) -> dict[ToolId, ToolSpec]:
        """The tools of those ids that exist; those that are not known yet are read, all at once."""
        if missing := [id_ for id_ in ids if id_ not in self.tools]:
            self.tools.update(read(missing))
        return {id_: self.tools[id_] for id_ in ids if id_ in self.tools}
