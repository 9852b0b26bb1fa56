"""The index by size and kind: latency, memory, build time, recall against exact; changes; searches beside changes.

Vectors: up to 21,300 are those of real tools by the packaged model, embedded once and kept in the work folder. Beyond,
they are mixtures: w a + (1 - w) b + noise, with a and b two real ones, w uniform from .55 to .9, and Gaussian noise of
length .3, scaled to length 1. Words are made alike: of two tools, drawn with probability w and 1 - w. Queries are those
of mcp_union. Where the full set is not there, the sample in tests/data takes its place.

Each kind is measured in a process of its own, so that memory is its own. A million with a graph takes minutes.
Example: .venv/bin/python benchmarks/index_scale.py --sizes 1000 21300 --kinds flat hnsw
"""

import argparse
import gzip
import json
import multiprocessing
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _machine import SHARED, machine_line, milliseconds, percentile, table
from _quartermaster import ROOT

from mcp_registry.feeds.read import read_feed
from retrieval.bm25 import best, contributions, corpus_of
from retrieval.document import passage_of, weighted_words
from retrieval.embedders import open_embedder
from retrieval.exact_vectors import StoredVectors, VectorsOf
from retrieval.lexical import LexicalSegment, build_lexical
from retrieval.ranking import Asked, rank
from retrieval.segment import Contents, Segment, build_segment
from retrieval.settings import RetrievalSettings
from retrieval.snapshot import Snapshot, adding, without
from retrieval.vectors import VectorKind, build_vectors

_KINDS: tuple[VectorKind, ...] = ("flat", "sq8", "hnsw", "ivf", "ivf_flat", "auto")
_K, _DEPTH, _QUERIES, _CHANGES, _SEED = 10, 100, 300, 30, 20261122


def main(options: argparse.Namespace) -> None:
    print(machine_line())
    options.work.mkdir(parents=True, exist_ok=True)
    _prepare(options.work)
    spawn = multiprocessing.get_context("spawn")
    found: list[list[str]] = []
    for size in options.sizes:
        for kind in options.kinds:
            with spawn.Pool(1) as pool:
                found.append(pool.apply(_kind_row, (options.work, size, kind)))
            print(f"{size:,} {kind}: done", file=sys.stderr, flush=True)
    print("\nVectors alone\n")
    heads = ["vectors", "kind", "build s", "p50 ms", "p99 ms", "k = 100: p50 ms", "recall@10", "index MB", "process MB"]
    print(table(heads, found))
    if options.changes:
        whole: list[list[str]] = []
        for size in options.sizes:
            with spawn.Pool(1) as pool:
                whole.append(pool.apply(_whole_row, (options.work, size)))
            print(f"{size:,} whole searches: done", file=sys.stderr, flush=True)
        print("\nWhole searches without the query's embedding (`auto`), and one change until it can be found\n")
        heads = ["tools", "search p50 / p99 ms", "words alone p50 / p99", "beside a writer p50 / p99"]
        print(table([*heads, "add / change / remove p50 ms", "slowest ms", "process MB"], whole))


def _kind_row(work: Path, size: int, kind: VectorKind) -> list[str]:
    vectors_of, queries = _vectors(work, size)
    before, start = _private_mb(), time.perf_counter()
    index = build_vectors(StoredVectors(np.arange(size), vectors_of), kind)
    built, held = time.perf_counter() - start, _private_mb() - before
    times, deep, same = [], [], 0
    for query, wanted in zip(queries, _exact(vectors_of, queries, size), strict=True):
        start = time.perf_counter()
        _, positions = index.search(query, _K)
        times.append(time.perf_counter() - start)
        start = time.perf_counter()
        index.search(query, _DEPTH)
        deep.append(time.perf_counter() - start)
        same += len(set(positions.tolist()) & wanted)
    name = index.kind if kind != "auto" else f"auto ({index.kind})"
    figures = [f"{built:.1f}", *map(milliseconds, (statistics.median(times), percentile(times, 0.99)))]
    figures += [milliseconds(statistics.median(deep)), f"{same / _K / len(queries):.4f}"]
    return [f"{size:,}", name, *figures, f"{held:.0f}", f"{_resident_mb():.0f}"]


def _whole_row(work: Path, size: int) -> list[str]:
    vectors_of, queries = _vectors(work, size)
    texts, settings = json.loads((work / "queries.json").read_text("utf-8")), RetrievalSettings()
    now = Snapshot()
    segment = _segment(range(size), _documents(work, size), vectors_of)
    now = adding(now, segment, vectors_of, "auto")
    del segment
    one = {"now": now}

    def search(number: int) -> float:
        start = time.perf_counter()
        rank(one["now"], texts[number], queries[number], settings, asked=Asked(k=_K), vectors_of=vectors_of)
        return time.perf_counter() - start

    [search(number) for number in range(20)]
    alone = [search(number) for number in range(len(queries))]
    words = [_words_alone([part.lexical for part in one["now"].segments], text) for text in texts[: len(queries)]]
    changes: dict[str, list[float]] = {"add": [], "change": [], "remove": []}
    stop = threading.Event()

    def write() -> None:
        documents = _documents(work, 1000)
        for number in range(_CHANGES):
            for what, things in changes.items():
                id_ = f"s/new{number}" if what != "change" else f"s/t{number}"
                start = time.perf_counter()
                after = without(one["now"], [id_])
                if what != "remove":
                    fresh = _segment([id_], [documents[number]], vectors_of)
                    after = adding(after, fresh, vectors_of, "auto")
                one["now"] = after
                things.append(time.perf_counter() - start)
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    beside: list[float] = []
    while not stop.is_set():
        beside.append(search(len(beside) % len(queries)))
    writer.join()
    every = [seconds for things in changes.values() for seconds in things]
    middles = " / ".join(milliseconds(statistics.median(things)) for things in changes.values())
    rows = [_pair(times) for times in (alone, words, beside)]
    return [f"{size:,}", *rows, middles, milliseconds(max(every)), f"{_resident_mb():.0f}"]


def _words_alone(segments: Sequence[LexicalSegment], text: str) -> float:
    from retrieval.words import written

    start = time.perf_counter()
    corpus = corpus_of(segments, list(written(text)))
    for segment in segments:
        positions, _ = best(segment, corpus, _DEPTH)
        contributions(segment, corpus, positions)
    return time.perf_counter() - start


def _segment(ids: Sequence[Any], documents: Sequence[dict[str, float]], vectors_of: VectorsOf) -> Segment:
    contents = Contents(
        ids=[id_ if isinstance(id_, str) else f"s/t{id_}" for id_ in ids],
        fingerprints=np.frombuffer(b"".join(uuid.uuid4().bytes * 2 for _ in ids), np.uint8).reshape(-1, 32),
        rows=np.arange(len(ids)),
        lexical=build_lexical(documents),
    )
    return build_segment(contents, vectors_of, "auto")


def _prepare(work: Path) -> None:
    """Embed tools and queries once; their words beside them."""
    if (work / "documents.json").exists():
        return
    full = SHARED / "mcp_tools.jsonl.gz"
    there = full.exists()
    tools = read_feed(full if there else ROOT / "tests" / "data" / "tools.jsonl.gz").tools
    asked = SHARED / "queries" / "mcp_union.queries.jsonl.gz" if there else ROOT / "tests" / "data" / "queries.jsonl.gz"
    with gzip.open(asked, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["query"] for line in lines][:_QUERIES]
    embedder = open_embedder()
    print(f"embedding {len(tools):,} tools, once", file=sys.stderr, flush=True)
    np.save(work / "real.npy", embedder.embed([passage_of(tool) for tool in tools]))
    np.save(work / "queries.npy", embedder.embed(texts, kind="query"))
    (work / "queries.json").write_text(json.dumps(texts), "utf-8")
    (work / "documents.json").write_text(json.dumps([weighted_words(tool) for tool in tools]), "utf-8")


def _vectors(work: Path, size: int) -> tuple[VectorsOf, np.ndarray]:
    """So many vectors in a file, mapped as the vector store's are, and the queries'."""
    file, queries = work / f"vectors-{size}.npy", np.load(work / "queries.npy")
    if not file.exists():
        real, chance = np.load(work / "real.npy"), np.random.default_rng(_SEED)
        part = file.with_suffix(".part.npy")
        made = np.lib.format.open_memmap(part, mode="w+", dtype=np.float32, shape=(size, real.shape[1]))
        made[: len(real)] = real[:size]
        for start in range(len(real), size, 50_000):
            count = min(50_000, size - start)
            share = chance.uniform(0.55, 0.9, (count, 1)).astype(np.float32)
            mixed = share * real[chance.integers(len(real), size=count)]
            mixed += (1 - share) * real[chance.integers(len(real), size=count)]
            mixed += chance.normal(0, 0.3 / real.shape[1] ** 0.5, mixed.shape).astype(np.float32)
            made[start : start + count] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
        made.flush()
        part.replace(file)
    mapped = np.asarray(np.load(file, mmap_mode="r"))
    return lambda rows: mapped[rows], queries


def _documents(work: Path, size: int) -> list[dict[str, float]]:
    real: list[dict[str, float]] = json.loads((work / "documents.json").read_text("utf-8"))
    chance, made = np.random.default_rng(_SEED), real[:size]
    while len(made) < size:
        first, second, share = *chance.integers(len(real), size=2).tolist(), chance.uniform(0.55, 0.9)
        drawn = chance.random(len(real[first]) + len(real[second]))
        words = {w: c for (w, c), d in zip(real[first].items(), drawn, strict=False) if d < share}
        rest = zip(real[second].items(), drawn[len(real[first]) :], strict=True)
        made.append(words | {w: c for (w, c), d in rest if d >= share})
    return made


def _exact(vectors_of: VectorsOf, queries: np.ndarray, size: int) -> list[set[int]]:
    """The true nearest of each query, block by block."""
    best_cosines, best_rows = np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    for start in range(0, size, 50_000):
        rows = np.arange(start, min(size, start + 50_000))
        cosines = np.hstack([best_cosines, queries @ vectors_of(rows).T])
        places = np.hstack([best_rows, np.broadcast_to(rows, (len(queries), len(rows)))])
        top = np.argsort(-cosines, axis=1)[:, :_K]
        best_cosines, best_rows = np.take_along_axis(cosines, top, 1), np.take_along_axis(places, top, 1)
    return [set(row.tolist()) for row in best_rows]


def _pair(times: Sequence[float]) -> str:
    return f"{milliseconds(percentile(times, 0.5))} / {milliseconds(percentile(times, 0.99))}"


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), float("nan"))


def _private_mb() -> float:
    return _status("RssAnon")


def _resident_mb() -> float:
    return _status("VmRSS")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 21_300, 100_000, 1_000_000])
    parser.add_argument("--kinds", nargs="+", choices=_KINDS, default=_KINDS)
    parser.add_argument("--no-changes", dest="changes", action="store_false", help="vectors alone")
    work = Path(tempfile.gettempdir()) / "quartermaster-index-scale"
    parser.add_argument("--work", type=Path, default=work, help=f"a folder to keep (default: {work})")
    return parser.parse_args()


if __name__ == "__main__":
    main(_options())
