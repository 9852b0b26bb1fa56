"""Published strategies that find servers first, or servers and tools together."""

import numpy as np
from numpy.typing import NDArray

from retrieval.embedding import Vectors
from retrieval.hit import Hit
from retrieval.strategies.servers import ServerSpace, server_space
from retrieval.strategies.strategy import Collection, in_order

Floats = NDArray[np.float32]

_SERVERS = 5
"""MCP-Zero keeps this many servers; RAG-MCP does not say how many, and is given as many."""
_UNION = 50
"""How many of the best of tools and servers together are mapped to their owners; Tool-to-Agent calls it N."""


class RagMcp:
    """RAG-MCP (arXiv 2505.03275): one vector a server; the tools of the best servers, by their own similarity.

    The paper injects one server; here so many are opened that k tools are found, and five at least.
    """

    name = "rag_mcp"

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._space = server_space(collection)

    def search(self, query: str, k: int = 10) -> list[Hit]:
        if k <= 0 or not self._space.servers:
            return []
        vector = self._collection.query(query)
        of_server = self._space.wholes @ vector
        tools, servers = opened(self._space, of_server, k)
        of_tool = self._space.tool_vectors[tools] @ vector
        return _hits(self._space, tools, of_tool, servers, of_server[servers], k)


class McpZero:
    """MCP-Zero (arXiv 2506.01056): server score s = max(cos(description), cos(summary)), the five best servers;
    tool score (s t) max(s, t) with t = cos(tool).

    The paper's model writes what it wants of the server and of the tool; here both are compared with the query. More
    servers are opened only when five have fewer than k tools. Cosines below 0 count as 0.
    """

    name = "mcp_zero"

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._space = server_space(collection)

    def search(self, query: str, k: int = 10) -> list[Hit]:
        if k <= 0 or not self._space.servers:
            return []
        vector = self._collection.query(query)
        s = np.maximum(np.maximum(self._space.descriptions @ vector, self._space.summaries @ vector), 0)
        tools, servers = opened(self._space, s, k)
        t = np.maximum(self._space.tool_vectors[tools] @ vector, 0)
        of_owner = s[self._space.owner[tools]]
        # A server without tools stands for one tool that fits as well as the server does.
        return _hits(self._space, tools, of_owner * t * np.maximum(of_owner, t), servers, s[servers] ** 3, k)


class ToolToAgent:
    """Tool-to-Agent (arXiv 2511.01854): tools and servers in one space; the best of both, mapped to their owners."""

    def __init__(self, name: str, collection: Collection, *, servers_only: bool) -> None:
        self._name = name
        self._collection = collection
        self._servers_only = servers_only
        self._space = server_space(collection)
        self._both = np.concatenate([self._space.tool_vectors, self._space.wholes])

    @property
    def name(self) -> str:
        return self._name

    def search(self, query: str, k: int = 10) -> list[Hit]:
        if k <= 0 or not self._space.servers:
            return []
        scores = np.maximum(self._both @ self._collection.query(query), 0)
        if self._servers_only:
            owners = _owners(self._space, scores, k)
            return in_order([(self._space.servers[server], score) for server, score in owners], k, "dense")
        return self._tools(scores, k)

    def _tools(self, scores: Floats, k: int) -> list[Hit]:
        """A server among the N best lifts each of its tools to the mean of both scores, where that is more."""
        of_tool, of_server = scores[: len(self._space.tools)], scores[len(self._space.tools) :]
        threshold = _kth(scores, max(_UNION, k))
        of_owner = of_server[self._space.owner] if len(of_tool) else of_tool
        lifted = np.where(of_owner >= threshold, np.maximum(of_tool, (of_tool + of_owner) / 2), of_tool)
        servers = np.flatnonzero(self._space.by_card_only)
        return _hits(self._space, np.arange(len(of_tool)), lifted, servers, of_server[servers], k)


def open_rag_mcp(collection: Collection) -> RagMcp:
    """RAG-MCP: the best servers by one vector each, then their tools by similarity."""
    return RagMcp(collection)


def open_mcp_zero(collection: Collection) -> McpZero:
    """MCP-Zero: five servers by description or summary, then tools by (s t) max(s, t)."""
    return McpZero(collection)


def open_tool_to_agent(collection: Collection) -> ToolToAgent:
    """Tool-to-Agent: tools and servers in one space; a server that is found lifts its tools."""
    return ToolToAgent("tool_to_agent", collection, servers_only=False)


def open_tool_to_agent_servers(collection: Collection) -> ToolToAgent:
    """Tool-to-Agent as published: tools and servers in one space, mapped to owners; the hits are servers."""
    return ToolToAgent("tool_to_agent_servers", collection, servers_only=True)


def opened(space: ServerSpace, of_server: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The tools of the best servers, and the best servers that have none: five servers, more until k are found."""
    order = np.argsort(-of_server, kind="stable")
    sizes = np.bincount(space.owner, minlength=len(space.servers)) + space.by_card_only
    enough = int(np.searchsorted(np.cumsum(sizes[order]), k)) + 1
    best = np.zeros(len(space.servers), np.bool_)
    best[order[: max(enough, _SERVERS)]] = True
    tools = np.flatnonzero(best[space.owner]) if len(space.owner) else space.owner
    return tools, np.flatnonzero(best & space.by_card_only)


def _owners(space: ServerSpace, scores: Floats, k: int) -> list[tuple[int, float]]:
    """Servers by the best of themselves and their tools among the N best; N grows until k servers are found."""
    owner = np.concatenate([space.owner, np.arange(len(space.servers))])
    found: dict[int, float] = {}
    for number, place in enumerate(np.argsort(-scores, kind="stable").tolist()):
        if number >= _UNION and len(found) >= k:
            break
        found.setdefault(int(owner[place]), float(scores[place]))
    return list(found.items())


def _kth(scores: Floats, k: int) -> float:
    return float(np.partition(scores, -k)[-k]) if len(scores) > k else -1.0


def _hits(
    space: ServerSpace,
    tools: NDArray[np.int64],
    of_tools: Floats,
    servers: NDArray[np.int64],
    of_servers: Floats,
    k: int,
) -> list[Hit]:
    scores = np.concatenate([of_tools, of_servers])
    best = np.flatnonzero(scores >= _kth(scores, k))
    ids = [
        space.tools[int(tools[place])].tool_id
        if place < len(tools)
        else space.servers[int(servers[place - len(tools)])]
        for place in best.tolist()
    ]
    return in_order(list(zip(ids, scores[best].tolist(), strict=True)), k, "dense")
