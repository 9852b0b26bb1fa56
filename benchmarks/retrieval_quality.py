"""How good the search is: recall and nDCG of the shipped default and of its parts, on labelled queries.

Each row is one set of tools and queries; the same index is asked with each way of making one ranking of the vectors'
and the words' scores. Recall@k is the share of the needed tools among the first k, nDCG@10 says how high up they
stand. Where a query names alternatives for a needed tool (`relevant_groups`), the first that is found counts, once.

The index is kept in the work folder, so that only the first run embeds the tools.
Example: .venv/bin/python benchmarks/retrieval_quality.py --sets metatool toollens --sample 200
"""

import argparse
import gzip
import json
import math
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from _machine import SHARED, machine_line, table

from mcp_registry.feeds.read import read_feed
from retrieval.embedders import DEFAULT_MODEL, open_embedder
from retrieval.fusion import FusionKind
from retrieval.index import ToolIndex, open_index
from retrieval.settings import RetrievalSettings
from retrieval.tool import ToolSpec

SETS = ("mcp_union", "metatool", "sealtools", "stabletoolbench", "toollens")
FUSIONS: tuple[FusionKind, ...] = ("lexical", "dense", "rrf", "weighted")
_DEPTHS = (1, 5, 10)
_SEED = 20261121

Needed = list[set[str]]
"""The tools that a query needs; of each the acceptable ids."""


def main(options: argparse.Namespace) -> int:
    print(machine_line())
    if not (SHARED / "queries").exists():
        print(f"skipped: there are no labelled queries in {SHARED / 'queries'}")
        return 0
    default = RetrievalSettings()
    embedder = open_embedder(DEFAULT_MODEL)
    print(
        f"model {embedder.id}; the default is {default.fusion}, dense_weight {default.dense_weight}, "
        f"{default.candidates} candidates of each; at most {options.sample} queries of a set, drawn with seed {_SEED}"
    )
    rows: list[list[str]] = []
    for name in options.sets:
        tools = read_feed(_tools_file(name)).tools
        queries = sample(list(read_queries(name)), options.sample if name != "mcp_union" else None)
        folder = options.work / name
        bring_up_to_date(open_index(folder, embedder), tools)
        there = {tool.tool_id for tool in tools}
        absent = sum(not group & there for _, needed in queries for group in needed)
        if absent:
            print(f"{name}: {absent} tools that are needed are not in the set")
        for fusion in FUSIONS:
            index = open_index(folder, embedder, RetrievalSettings(fusion=fusion))
            figures = measure(index, queries)
            mark = " (default)" if fusion == default.fusion else ""
            size = f"{len(tools):,} / {len(queries)}"
            rows.append([name, size, fusion + mark, *(f"{figure:.3f}" for figure in figures)])
        print(f"{name} done", file=sys.stderr, flush=True)
    headers = ["set", "tools / queries", "ranking", *(f"Recall@{k}" for k in _DEPTHS), "nDCG@10"]
    print()
    print(table(headers, rows))
    return 0


def bring_up_to_date(index: ToolIndex, tools: Sequence[ToolSpec]) -> None:
    """Index what is new or changed, drop what is gone, save."""
    wanted = {tool.tool_id: tool for tool in tools}
    held = index.fingerprints()
    changed = [tool for tool in wanted.values() if held.get(tool.tool_id) != tool.fingerprint]
    gone = [id_ for id_ in held if id_ not in wanted]
    if changed or gone:
        index.apply(changed, gone, generation=index.generation + 1)
        index.save()


def measure(index: ToolIndex, queries: Sequence[tuple[str, Needed]]) -> list[float]:
    """The mean over all queries of Recall@1, @5, @10 and nDCG@10."""
    sums = [0.0] * (len(_DEPTHS) + 1)
    for query, needed in queries:
        found = [hit.id for hit in index.search(query, max(_DEPTHS))]
        for place, figure in enumerate((*(recall(found[:k], needed) for k in _DEPTHS), ndcg(found[:10], needed))):
            sums[place] += figure
    return [total / len(queries) for total in sums]


def recall(found: Sequence[str], needed: Needed) -> float:
    """The share of needed tools of which an acceptable one was found."""
    return sum(bool(group.intersection(found)) for group in needed) / len(needed)


def ndcg(found: Sequence[str], needed: Needed) -> float:
    """Discounted gain over the best possible; a needed tool gains once, at its first acceptable id."""
    waiting = list(needed)
    gain = 0.0
    for place, id_ in enumerate(found):
        group = next((group for group in waiting if id_ in group), None)
        if group is not None:
            waiting.remove(group)
            gain += 1 / math.log2(place + 2)
    return gain / sum(1 / math.log2(place + 2) for place in range(min(10, len(needed))))


def read_queries(name: str) -> Iterator[tuple[str, Needed]]:
    """The queries of a set that need any tool, with what they need."""
    with gzip.open(SHARED / "queries" / f"{name}.queries.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            groups: list[Any] = row.get("relevant_groups") or [[id_] for id_ in row["relevant"]]
            if groups:
                yield row["query"], [set(group) for group in groups]


def sample(queries: list[tuple[str, Needed]], size: int | None) -> list[tuple[str, Needed]]:
    """At most so many, the same ones in every run."""
    if size is None or len(queries) <= size:
        return queries
    return random.Random(_SEED).sample(queries, size)


def _tools_file(name: str) -> Path:
    return SHARED / "mcp_tools.jsonl.gz" if name == "mcp_union" else SHARED / "queries" / f"{name}.tools.jsonl.gz"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--sample", type=int, default=600, help="queries of each set but mcp_union (default: 600)")
    parser.add_argument(
        "--work", type=Path, default=Path("~/.cache/quartermaster-bench/quality").expanduser(), help="a folder to keep"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(_options()))
