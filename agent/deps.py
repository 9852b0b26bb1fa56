"""`Deps`: what runs need, opened once and shared by all of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from agent.event import Recorded
from agent.journal import Journal, MemoryJournal
from agent.llm import LLM
from agent.strategies import Choose, by_name
from agent.toolbox import Toolbox

Listener = Callable[[str, Recorded], None]
"""Is told each event of each run when it is on disk."""


@dataclass(frozen=True, kw_only=True)
class Deps:
    """A model, tools, and a place for the journal. Without a checkpointer LangGraph's cursor lives in memory.

    listen: is told events as they are written. on_text: is told (run id, text) as the model writes. choose: gives the
    strategies of a run; its options name them unless something else is put here. shared_graph: the `graph` of others,
    for many short runs, each with tools of its own.
    """

    llm: LLM
    toolbox: Toolbox
    journal: Journal = field(default_factory=MemoryJournal)
    checkpointer: Any = None
    listen: Listener | None = None
    on_text: Callable[[str, str], None] | None = None
    choose: Choose = by_name
    shared_graph: Any = None

    @cached_property
    def graph(self) -> Any:
        """The compiled graph, one for all runs."""
        if self.shared_graph is not None:
            return self.shared_graph
        from agent.graph import compiled

        return compiled(self.checkpointer)
