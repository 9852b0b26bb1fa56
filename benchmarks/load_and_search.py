"""Tens of thousands of tool definitions: loaded, indexed, loaded again, searched.

Measured: the bare embedding of all passages (each text once) against the whole way from file to saved index; a second
load, which must embed nothing; searches in process (with the query's embedding), as a whole `quartermaster search`
process, and through the gateway. Where the full set of 21,300 definitions is not there, the sample in tests/data is
used. The state folder is new in every run, so a run takes about twice the time of the embedding.

Example: .venv/bin/python benchmarks/load_and_search.py --limit 2000
"""

import argparse
import asyncio
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from _machine import SHARED, Stopwatch, machine_line, milliseconds, percentile, stopwatch, table
from _quartermaster import ROOT, CommandLine, environment
from mcp import Client, stdio_client

from mcp_registry.catalogue import open_catalogue
from mcp_registry.feeds.read import read_feed
from mcp_registry.home import Home
from mcp_registry.indexing import reconcile
from retrieval.document import passage_of
from retrieval.embedders import DEFAULT_MODEL, open_embedder
from retrieval.embedding import Embedder, TextKind, Vectors
from retrieval.index import ToolIndex, open_index
from retrieval.tool import ToolSpec

_FULL = SHARED / "mcp_tools.jsonl.gz"
_SAMPLE = ROOT / "tests" / "data" / "tools.jsonl.gz"
_QUERIES = {_FULL: SHARED / "queries" / "mcp_union.queries.jsonl.gz", _SAMPLE: _SAMPLE.with_name("queries.jsonl.gz")}
_PROCESSES = 5


class Counting:
    """An embedder that counts the texts it is given and the seconds it takes."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.texts = 0
        self.seconds = 0.0

    @property
    def id(self) -> str:
        return self._embedder.id

    @property
    def dim(self) -> int:
        return self._embedder.dim

    def embed(
        self, texts: Sequence[str], *, kind: TextKind = "document", progress: Callable[[int], None] | None = None
    ) -> Vectors:
        start = time.perf_counter()
        vectors = self._embedder.embed(texts, kind=kind, progress=progress)
        self.seconds += time.perf_counter() - start
        self.texts += len(texts)
        return vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Seconds of each part of one load, and how many texts were embedded for it."""

    opening: float
    reading: float
    catalogue: float
    indexing: float
    embedded: int
    embedding: float

    @property
    def total(self) -> float:
        return self.opening + self.reading + self.catalogue + self.indexing


def main(options: argparse.Namespace) -> None:
    print(machine_line())
    source = _FULL if _FULL.exists() else _SAMPLE
    if source is _SAMPLE:
        print(f"The full set is not there: this is the sample, {source.relative_to(ROOT)}")
    with tempfile.TemporaryDirectory(prefix="quartermaster-bench-") as folder:
        file = _limited(source, options.limit, Path(folder))
        tools = read_feed(file).tools
        bare, texts = bare_embedding(tools)
        home = Home(options.home or Path(folder, "home"))
        home.path.mkdir(parents=True, exist_ok=True)
        first, second = load(file, home), load(file, home)
        report_loads(len(tools), texts, bare, first, second)
        queries = _queries(_QUERIES[source])
        report_searches(home, queries, options.queries)


def _limited(source: Path, limit: int | None, folder: Path) -> Path:
    if limit is None:
        return source
    file = folder / "limited.jsonl"
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        file.write_text("".join(line for _, line in zip(range(limit), lines, strict=False)), "utf-8")
    return file


def bare_embedding(tools: Sequence[ToolSpec]) -> tuple[float, int]:
    """Seconds to embed every different passage, similar lengths together as in the index; and how many there are."""
    texts = sorted({passage_of(tool) for tool in tools}, key=len)
    embedder = open_embedder(DEFAULT_MODEL)
    embedder.embed(texts[:10])
    with stopwatch() as watch:
        embedder.embed(texts)
    return watch.seconds, len(texts)


def load(file: Path, home: Home) -> Load:
    """What `quartermaster servers import FILE` does, in this process, part by part."""
    with stopwatch() as opening:
        embedder = Counting(open_embedder(DEFAULT_MODEL))
    with stopwatch() as reading:
        feed = read_feed(file)
    with open_catalogue(home.database_url) as catalogue:
        with stopwatch() as writing:
            catalogue.load_definitions(feed.tools, origin=file.name, at=datetime.now(UTC))
        with stopwatch() as indexing:
            reconcile(open_index(home.index, embedder), catalogue)
    return Load(
        opening=opening.seconds,
        reading=reading.seconds,
        catalogue=writing.seconds,
        indexing=indexing.seconds,
        embedded=embedder.texts,
        embedding=embedder.seconds,
    )


def report_loads(tools: int, texts: int, bare: float, first: Load, second: Load) -> None:
    print(f"\n{tools:,} tools, {texts:,} different passages; bare embedding: {bare:.1f} s ({texts / bare:.0f}/s)\n")
    headers = ["", "model", "file", "catalogue", "index", "of it embedding", "total s", "texts embedded"]
    rows = [
        [name, *(f"{part:.2f}" for part in _parts(one)), f"{one.total:.2f}", f"{one.embedded:,}"]
        for name, one in (("first load", first), ("second load", second))
    ]
    print(table(headers, rows))
    print(
        f"\nindexing / bare embedding {first.indexing / bare:.2f} (aim 1.2), whole load / bare embedding "
        f"{first.total / bare:.2f}; indexing / the embedding inside it {first.indexing / first.embedding:.3f}"
    )
    print(f"second load {second.total:.1f} s (aim 5), {second.embedded} texts embedded (aim 0)", flush=True)


def _parts(one: Load) -> tuple[float, ...]:
    return one.opening, one.reading, one.catalogue, one.indexing, one.embedding


def report_searches(home: Home, queries: Sequence[str], count: int) -> None:
    """Searches in process, as processes, and through the gateway."""
    embedder = open_embedder(DEFAULT_MODEL)
    with stopwatch() as opening:
        index = open_index(home.index, embedder)
    asked = [queries[i % len(queries)] for i in range(count)]
    rows = [
        ["in process, embedding the query", *_percentiles(_search_all(index, asked))],
        ["of it the embedding", *_percentiles(_embed_all(embedder, asked))],
        ["search_tools of the gateway, stdio", *_percentiles(asyncio.run(_through_gateway(home, asked)))],
    ]
    print(f"\n{len(asked)} searches in {len(index):,} tools, k = 5 (opening the index: {opening.seconds:.2f} s)\n")
    print(table(["search", "p50 ms", "p99 ms"], rows), flush=True)
    seconds, megabytes = zip(*(_process(home, query) for query in asked[:_PROCESSES]), strict=True)
    print(
        f"\n`quartermaster search` as a process, {_PROCESSES} runs: median {statistics.median(seconds):.2f} s, slowest "
        f"{max(seconds):.2f} s (aim 1.5), most memory {max(megabytes):.0f} MB (aim 500)"
    )


def _search_all(index: ToolIndex, queries: Sequence[str]) -> list[float]:
    index.search("warm up", 5)
    return _timed(lambda query: index.search(query, 5), queries)


def _embed_all(embedder: Embedder, queries: Sequence[str]) -> list[float]:
    return _timed(lambda query: embedder.embed([query], kind="query"), queries)


async def _through_gateway(home: Home, queries: Sequence[str]) -> list[float]:
    gateway = CommandLine(home.path).gateway
    times: list[float] = []
    async with Client(stdio_client(gateway), read_timeout_seconds=60) as client:
        await client.call_tool("search_tools", {"query": "warm up"})
        for query in queries:
            watch = Stopwatch()
            result = await client.call_tool("search_tools", {"query": query})
            times.append(watch.seconds)
            assert not result.is_error
    return times


# A process begins with the memory of the one that starts it counted as its own, so a small one must do that.
_SMALL = """
import os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
print(time.perf_counter() - start, used.ru_maxrss / 1024, os.waitstatus_to_exitcode(status))
"""


def _process(home: Home, query: str) -> tuple[float, float]:
    """Seconds and megabytes (peak) of one `quartermaster search`, from its start to its end."""
    argv = [sys.executable, "-I", "-S", "-c", _SMALL, *CommandLine(home.path).argv, "search", query]
    done = subprocess.run(argv, env=environment(), capture_output=True, text=True, check=True)
    seconds, megabytes, code = done.stdout.split()
    assert code == "0", done.stderr
    return float(seconds), float(megabytes)


def _timed(run: Callable[[str], object], queries: Sequence[str]) -> list[float]:
    times: list[float] = []
    for query in queries:
        watch = Stopwatch()
        run(query)
        times.append(watch.seconds)
    return times


def _percentiles(times: Sequence[float]) -> list[str]:
    return [milliseconds(percentile(times, share)) for share in (0.5, 0.99)]


def _queries(file: Path) -> list[str]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["query"] for line in lines]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N definitions")
    parser.add_argument("--queries", type=int, default=771, help="how many searches (default: 771)")
    parser.add_argument("--home", type=Path, help="a state folder to keep: what it holds is not embedded again")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(_options()))
