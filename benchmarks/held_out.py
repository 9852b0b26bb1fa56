"""Writes the ids of queries that the packaged embedder never learnt from, for `bench retrieval --only`.

metatool, stabletoolbench and bfcl_v4: queries all of whose tools (servers) are kept by `rl_trainer.embedder.examples`;
sealtools and toollens: their authors' test splits. nestful and mcp_union were not learnt from at all.

Example: .venv/bin/python benchmarks/held_out.py --out .bench/held_out
    quartermaster bench retrieval metatool --only .bench/held_out/metatool.txt --data ../shared/data/queries
"""

import argparse
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _machine import SHARED

from rl_trainer.embedder.examples import is_kept

_SEED = 20261122
_MOST = 1000


def main(out: Path) -> int:
    out.mkdir(parents=True, exist_ok=True)
    splits = {
        "metatool": ids_of("metatool", lambda row: row["kind"] == "single" and kept("metatool", row)),
        "stabletoolbench": ids_of("stabletoolbench", lambda row: kept("stabletoolbench", row)),
        "bfcl_v4": ids_of("bfcl_v4", lambda row: kept("bfcl_v4", row)),
        "sealtools_in": ids_of("sealtools", lambda row: row["split"] == "test_in_domain"),
        "sealtools_out": ids_of("sealtools", lambda row: row["split"] == "test_out_domain"),
        "toollens": ids_of("toollens", lambda row: row["split"] == "test"),
    }
    for name, ids in splits.items():
        chosen = ids if len(ids) <= _MOST else sorted(random.Random(_SEED).sample(ids, _MOST))
        (out / f"{name}.txt").write_text("".join(f"{id_}\n" for id_ in chosen), encoding="utf-8")
        print(f"{name}: {len(chosen)} of {len(ids)} queries")
    return 0


def kept(name: str, row: dict[str, Any]) -> bool:
    """Whether nothing that a query needs was learnt of."""
    keys = [id_.split("/")[0] if name == "stabletoolbench" else id_ for id_ in row["relevant"]]
    return bool(keys) and all(is_kept(name, key) for key in keys)


def ids_of(name: str, wanted: Any) -> list[str]:
    return [row["query_id"] for row in rows(name) if wanted(row)]


def rows(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(SHARED / "queries" / f"{name}.queries.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(".bench/held_out"))
    raise SystemExit(main(parser.parse_args().out))
