"""The real tools and the plain requests over them (mcp_union), and the product's index, for benchmarks of agents."""

import gzip
import json
import random
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _machine import SHARED

from mcp_registry.feeds.read import read_feed
from retrieval.embedders import open_embedder
from retrieval.index import ToolIndex, open_index
from retrieval.settings import RetrievalSettings
from retrieval.tool import ToolId, ToolSpec

SEED = 20261122
_SAMPLE = Path(__file__).resolve().parents[1] / "tests" / "data"
_FULL = SHARED.is_dir()
_TOOLS = SHARED / "mcp_tools.jsonl.gz" if _FULL else _SAMPLE / "tools.jsonl.gz"
_QUERIES = SHARED / "queries" / "mcp_union.queries.jsonl.gz" if _FULL else _SAMPLE / "queries.jsonl.gz"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person asks for, and the tools any of which is right."""

    text: str
    right: frozenset[ToolId]


def read_tools() -> tuple[dict[ToolId, ToolSpec], dict[ToolId, str]]:
    """The tools by id (a sample where the full set is not there), and the mark each shares with its near-duplicates."""
    same = {row["tool_id"]: row.get("same_as") or row["tool_id"] for row in lines_of(_TOOLS)}
    tools = {tool.tool_id: tool for tool in read_feed(_TOOLS).tools}
    return tools, {id_: same.get(id_, id_) for id_ in tools}


def read_requests(count: int, tools: Mapping[ToolId, ToolSpec]) -> list[Request]:
    """So many requests, drawn once; those with fewer are the first of those with more."""
    found: list[Request] = []
    for row in lines_of(_QUERIES):
        right = frozenset(id_ for group in row["relevant_groups"] for id_ in group if id_ in tools)
        if right:
            found.append(Request(text=row["query"], right=right))
    random.Random(SEED).shuffle(found)
    return found[:count]


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def built_index(folder: Path, tools: Mapping[ToolId, ToolSpec]) -> ToolIndex:
    """The product's index over the tools; made once, then loaded."""
    settings = RetrievalSettings()
    index = open_index(folder, open_embedder(settings.model), settings)
    if not index.load() or len(index) != len(tools):
        with told(f"indexing {len(tools):,} tools in {folder}"):
            index.apply(list(tools.values()), generation=1)
            index.save()
    return index


@contextmanager
def told(text: str) -> Generator[None]:
    started = time.monotonic()
    print(f"{text} ...", file=sys.stderr, flush=True)
    yield
    print(f"... {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
