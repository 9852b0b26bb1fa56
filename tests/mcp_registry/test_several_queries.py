"""Several queries in one search: the registry, the gateway's search_tools and the command line."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_registry.gateway.meta_tools import MetaTools
from mcp_registry.home import Home
from mcp_registry.registry import Registry, open_registry
from mcp_registry.settings import Settings
from retrieval.tool import ToolSpec

TEXTS = {
    "exchange_rate": "Exchange rate between two currencies",
    "convert_currency": "Convert an amount of money from one currency into another currency",
    "currency_list": "List every currency that can be converted",
    "send_mail": "Send an electronic mail to somebody",
}


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    async with open_registry(Home(tmp_path), Settings()) as opened:
        tools = [ToolSpec(server="file", name=name, description=text) for name, text in TEXTS.items()]
        opened.catalogue.load_definitions(tools, origin="f.jsonl", at=datetime.now(UTC))
        await opened.reconcile()
        yield opened


async def test_each_of_several_queries_has_its_share(registry: Registry) -> None:
    found = await registry.search(["convert currency", "mail to somebody"], 2)
    assert [hit.id for hit, _ in found] == ["file/convert_currency", "file/send_mail"]


async def test_the_gateway_takes_one_query_or_several_or_both(registry: Registry) -> None:
    gateway = MetaTools(registry)
    for arguments in (
        {"queries": ["convert currency", "mail to somebody"], "k": 2},
        {"query": "convert currency", "queries": ["mail to somebody"], "k": 2},
    ):
        answer = await gateway.call("search_tools", arguments)
        assert [tool["tool_id"] for tool in answer.raw["structuredContent"]["tools"]] == [
            "file/convert_currency",
            "file/send_mail",
        ]


async def test_a_search_for_nothing_is_told_what_is_missing(registry: Registry) -> None:
    answer = await MetaTools(registry).call("search_tools", {"k": 2})
    assert answer.is_error
    assert "query: missing" in answer.raw["content"][0]["text"]
