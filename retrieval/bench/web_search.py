"""The stress test's web-search tasks, and which servers would do for them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from retrieval.bench.rows import read_rows
from retrieval.card import ServerCard

KEY_SERVER = "mcp-brave-search"
"""The ground truth unless another is named: "MCP server for Brave Search API, providing web and local search"."""

_TASKS = Path(__file__).parent / "web_search_tasks.jsonl"

_ENGINES = "brave|tavily|duckduckgo|ddg|searxng|serper|serpapi|google|bing|exa|perplexity|baidu|yandex"
WEB_SEARCH_RULE = re.compile(
    r"\b(web|internet|online)[ _-]?search"
    r"|\bsearch(es|ing)? (the )?(web|internet)\b"
    rf"|\b({_ENGINES})[ _-](web[ _-])?search",
    re.IGNORECASE,
)
"""What the name or the summary of a web-search server has in it; a rule of thumb, stated in the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSearchTask:
    """Something that needs a web search: said so (`request`), or asked straight away (`question`)."""

    text: str
    form: Literal["request", "question"]


class _TaskRow(msgspec.Struct):
    query: str
    form: Literal["request", "question"]


def web_search_tasks() -> list[WebSearchTask]:
    """The 20 tasks that come with this package, half of each form."""
    return [WebSearchTask(text=row.query, form=row.form) for _, row in read_rows(_TASKS, _TaskRow)]


def is_web_search(card: ServerCard) -> bool:
    """Whether a server's name or summary says that it searches the web."""
    return WEB_SEARCH_RULE.search(f"{card.name}\n{card.title or ''}\n{card.description}") is not None
