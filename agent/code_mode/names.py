"""What tools and servers are called in programs: `server.tool`, both made into Python names."""

import keyword
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from agent.code_mode.builtins import NAMES
from retrieval.tool import ToolSpec


@dataclass(frozen=True, slots=True)
class Names:
    """The tools by server and name, as programs write them, in the order in which they were given."""

    tools: dict[str, dict[str, ToolSpec]] = field(default_factory=dict[str, dict[str, ToolSpec]])

    def items(self) -> list[tuple[str, ToolSpec]]:
        """`server.tool` and the tool."""
        return [(f"{server}.{name}", tool) for server, tools in self.tools.items() for name, tool in tools.items()]


def named(tools: Sequence[ToolSpec]) -> Names:
    """A name for each. Names depend on the tools before only: what comes later changes none.

    Example:
        "brave-search/web.search" -> brave_search.web_search
    """
    servers: dict[str, str] = {}
    found: dict[str, dict[str, ToolSpec]] = {}
    for tool in tools:
        if tool.server not in servers:
            servers[tool.server] = _free(_identifier(tool.server), {*servers.values(), *NAMES})
        own = found.setdefault(servers[tool.server], {})
        own[_free(_identifier(tool.name), own.keys())] = tool
    return Names(found)


def _identifier(text: str) -> str:
    made = re.sub(r"\W", "_", text, flags=re.ASCII).strip("_") or "tool"
    made = f"n{made}" if made[0].isdigit() else made
    return f"{made}_" if keyword.iskeyword(made) else made


def _free(name: str, taken: Container[str]) -> str:
    number, made = 1, name
    while made in taken:
        number += 1
        made = f"{name}_{number}"
    return made
