"""What a model reads of tools: every definition, the five best of a search, or the winner alone (RAG-MCP).

What is measured: characters / 4 of the JSON, over the 1,000 real tools of tests/data and its queries; for the searches
the mean over the queries, with the packaged model.
"""

import gzip
import json
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

from _machine import machine_line, table

from mcp_registry.feeds.read import read_feed
from retrieval.embedders import open_embedder
from retrieval.index import open_index
from retrieval.settings import RetrievalSettings
from retrieval.tool import ToolSpec, canonical_json

DATA = Path(__file__).resolve().parents[1] / "tests" / "data"


def main() -> None:
    print(machine_line())
    tools = {tool.tool_id: tool for tool in read_feed(DATA / "tools.jsonl.gz").tools}
    with gzip.open(DATA / "queries.jsonl.gz", "rt", encoding="utf-8") as lines:
        queries: list[dict[str, Any]] = [json.loads(line) for line in lines]
    every = sum(map(tokens, tools.values()))
    rows = [["every definition", f"{every:,}", "100.00%"]]
    with tempfile.TemporaryDirectory() as folder:
        settings = RetrievalSettings()
        index = open_index(Path(folder), open_embedder(settings.model), settings)
        index.apply(list(tools.values()), generation=1)
        for label, k in (("the five best", 5), ("the winner alone", 1)):
            given = mean(sum(tokens(tools[hit.id]) for hit in index.search(row["query"], k)) for row in queries)
            rows.append([label, f"{given:,.0f}", f"{given / every:.2%}"])
    print(f"\n{len(tools):,} tools, {len(queries)} queries\n")
    print(table(["in the prompt", "tokens", "share"], rows))


def tokens(tool: ToolSpec) -> float:
    return len(canonical_json(tool.published)) / 4


if __name__ == "__main__":
    main()
