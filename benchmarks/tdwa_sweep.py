"""Which TDWA weights find best: every mix of name, description, parameters and questions in steps of a tenth.

Vectors alone, questions written by rules. Beside the mixes stand the plain concatenations. A set's queries that are
marked as test queries are left out. Vectors are kept in the work folder: only the first run embeds.
Example: .venv/bin/python benchmarks/tdwa_sweep.py --sets metatool sealtools --sample 200
"""

import argparse
import gzip
import json
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _machine import SHARED, machine_line, table

from mcp_registry.feeds.read import read_feed
from retrieval.document import passage_of
from retrieval.embedders import DEFAULT_MODEL, open_embedder
from retrieval.embedding import Vectors
from retrieval.metrics import Needed, ndcg, recall
from retrieval.question_writers import template_questions
from retrieval.strategies.strategy import Collection
from retrieval.tdwa import PRESETS, TdwaWeights, embed_present, parts_of, tdwa

SETS = ("metatool", "sealtools", "mcp_union")
_SEED = 20261121
_DEPTH = 10
_STEP = 0.1


@dataclass(frozen=True, kw_only=True)
class Set:
    """One labelled set with all its vectors, so that a mix costs one product of matrices."""

    ids: Sequence[str]
    queries: Vectors
    needed: Sequence[Needed]
    parts: Mapping[str, Vectors]
    concatenated: Mapping[str, Vectors]


def main(options: argparse.Namespace) -> int:
    print(machine_line())
    if not (SHARED / "queries").exists():
        print(f"skipped: there are no labelled queries in {SHARED / 'queries'}")
        return 0
    print(f"model {DEFAULT_MODEL}; at most {options.sample} queries of a set, drawn with seed {_SEED}; nDCG@10 / R@5")
    measured: dict[str, list[tuple[float, float]]] = {}
    for name in options.sets:
        one = open_set(name, options)
        for label, vectors in one.concatenated.items():
            measured.setdefault(label, []).append(figures(one, vectors))
        for label, weights in mixes().items():
            measured.setdefault(label, []).append(figures(one, tdwa(one.parts, weights)))
        print(f"{name} done", file=sys.stderr, flush=True)
    print()
    print(table(["weights (name/description/parameters/questions)", *options.sets, "mean nDCG@10"], rows(measured)))
    return 0


def mixes() -> dict[str, TdwaWeights]:
    """The presets, the presets with the server's name, and every mix in steps of a tenth."""
    tenths = round(1 / _STEP)
    grid = [
        (name, description, parameters, tenths - name - description - parameters)
        for name in range(tenths + 1)
        for description in range(tenths + 1 - name)
        for parameters in range(tenths + 1 - name - description)
    ]
    swept = {
        "/".join(f"{share * _STEP:.1f}" for share in mix): TdwaWeights(
            **dict(zip(("name", "description", "parameters", "questions"), map(float, mix), strict=True))
        )
        for mix in grid
    }
    default = PRESETS["default"]
    with_server = TdwaWeights(
        name=default.name,
        description=default.description,
        parameters=default.parameters,
        questions=default.questions,
        server=0.1,
    )
    return {**PRESETS, "default + server 0.1": with_server, **swept}


def rows(measured: Mapping[str, Sequence[tuple[float, float]]]) -> list[list[str]]:
    """What has a name, each set's best mix, and the ten best on the mean of the sets."""
    mean = {label: float(np.mean([gain for gain, _ in pairs])) for label, pairs in measured.items()}
    named = [label for label in measured if not label[0].isdigit() or label.count("1.0")]
    best_of_sets = [
        max(measured, key=lambda label, place=place: measured[label][place][0])
        for place in range(len(next(iter(measured.values()))))
    ]
    best = sorted(measured, key=lambda label: -mean[label])[:10]
    return [
        [label, *(f"{gain:.3f} / {share:.3f}" for gain, share in measured[label]), f"{mean[label]:.3f}"]
        for label in dict.fromkeys([*named, *best_of_sets, *best])
    ]


def figures(one: Set, vectors: Vectors) -> tuple[float, float]:
    """Mean nDCG@10 and Recall@5 of one vector a tool."""
    cosines = one.queries @ vectors.T
    depth = min(_DEPTH, len(one.ids))
    best = np.argpartition(-cosines, depth - 1, axis=1)[:, :depth]
    best = np.take_along_axis(best, np.argsort(-np.take_along_axis(cosines, best, axis=1), axis=1), axis=1)
    found = [[one.ids[place] for place in places] for places in best]
    pairs = list(zip(found, one.needed, strict=True))
    return (
        float(np.mean([ndcg(ids, needed, _DEPTH) for ids, needed in pairs])),
        float(np.mean([recall(ids, needed, 5) for ids, needed in pairs])),
    )


def open_set(name: str, options: argparse.Namespace) -> Set:
    """A set with every vector that the mixes need."""
    file = SHARED / "mcp_tools.jsonl.gz" if name == "mcp_union" else SHARED / "queries" / f"{name}.tools.jsonl.gz"
    tools = read_feed(file).tools
    collection = Collection(tools=tools, embedder=open_embedder(), folder=options.work / name)
    asked = list(read_queries(name))
    asked = random.Random(_SEED).sample(asked, min(options.sample, len(asked)))
    texts = [parts_of(tool, template_questions(tool)) for tool in tools]
    return Set(
        ids=[tool.tool_id for tool in tools],
        queries=collection.embedder.embed([query for query, _ in asked], kind="query"),
        needed=[needed for _, needed in asked],
        parts={
            part: embed_present([text[part] for text in texts], collection.vectors)
            for part in TdwaWeights.__struct_fields__
        },
        concatenated={
            "passage (concatenated)": collection.vectors([passage_of(tool) for tool in tools]),
            "name description": collection.vectors([f"{tool.name} {tool.description}" for tool in tools]),
            "passage + questions": collection.vectors(
                [f"{passage_of(tool)} {' '.join(template_questions(tool))}" for tool in tools]
            ),
        },
    )


def read_queries(name: str) -> Iterator[tuple[str, Needed]]:
    """The queries of a set that need any tool and are not set aside for tests, with what they need."""
    with gzip.open(SHARED / "queries" / f"{name}.queries.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            groups = row.get("relevant_groups") or [[id_] for id_ in row["relevant"]]
            if groups and not str(row.get("split", "")).startswith("test"):
                yield row["query"], [set(group) for group in groups]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--sample", type=int, default=400, help="queries of each set (default: 400)")
    parser.add_argument(
        "--work", type=Path, default=Path("~/.cache/quartermaster-bench/tdwa").expanduser(), help="a folder to keep"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(_options()))
