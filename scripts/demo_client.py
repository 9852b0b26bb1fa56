"""An MCP client of the gateway, as any other client is one: the SDK's own, over stdio."""

import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import TextContent

_ANSWER_S = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A tool's result as text, and whether the tool calls it an error."""

    text: str
    is_error: bool


class Gateway:
    """The gateway's tools as methods; every answer comes with the seconds it took."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def tool_names(self) -> list[str]:
        """The names of the few tools that the gateway always has."""
        return [tool.name for tool in (await self._client.list_tools()).tools]

    async def search(self, query: str, *, k: int) -> tuple[list[dict[str, Any]], float]:
        """The best `k` tools for a request, as `search_tools` gives them."""
        start = time.perf_counter()
        result = await self._client.call_tool("search_tools", {"query": query, "k": k})
        seconds = time.perf_counter() - start
        structured = result.structured_content or json.loads(_text(result.content))
        return structured["tools"], seconds

    async def call(self, tool_id: str, arguments: Mapping[str, Any]) -> tuple[Answer, float]:
        """What a tool behind the gateway answers."""
        start = time.perf_counter()
        result = await self._client.call_tool("call_tool", {"tool_id": tool_id, "arguments": dict(arguments)})
        return Answer(_text(result.content), bool(result.is_error)), time.perf_counter() - start


@asynccontextmanager
async def open_gateway(argv: Sequence[str], log: Path) -> AsyncGenerator[Gateway]:
    """Start a gateway as a child process and speak to it; what it says on standard error goes to `log`."""
    parameters = StdioServerParameters(command=argv[0], args=list(argv[1:]))
    with log.open("w", encoding="utf-8") as errors:
        async with Client(stdio_client(parameters, errlog=errors), read_timeout_seconds=_ANSWER_S) as client:
            yield Gateway(client)


def _text(content: Sequence[object]) -> str:
    return "\n".join(part.text for part in content if isinstance(part, TextContent))
