"""Knowing when nothing fits: fits the calibration on some labelled sets and measures it on others.

A search is right when one of its first k hits is a needed tool. Searches that must be wrong are made: a query over its
own set without the needed tools and whatever is near them, the same query over another set, and small talk. It is
fitted on metatool, sealtools, stabletoolbench and bfcl_v4 and measured on toollens, nestful and mcp_union, whose tools
and queries it has not seen. `--write` puts it into retrieval/calibrations, where a search finds it by its model.

Example: .venv/bin/python benchmarks/calibration.py --sample 250 --write
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from _machine import SHARED, machine_line, table
from numpy.typing import NDArray

from retrieval import calibration as c
from retrieval.bench.labelled import LabelledQuery, LabelledSet, read_labelled_set, sample
from retrieval.document import passage_of
from retrieval.embedders import DEFAULT_MODEL, open_embedder
from retrieval.embedding import Embedder, TextKind, Vectors
from retrieval.index import ToolIndex, open_index
from retrieval.manifest import file_name
from retrieval.reliability import area_under_risk, auroc, calibration_error, risk_coverage
from retrieval.settings import RetrievalSettings
from retrieval.values import without_values
from retrieval.vector_store import VectorStore
from retrieval.words import written

FITTED_ON = ("metatool", "sealtools", "stabletoolbench", "bfcl_v4")
MEASURED_ON = ("toollens", "nestful", "mcp_union")
K = 5
THRESHOLD = RetrievalSettings().fit_threshold
_LOST = (0.01, 0.02, 0.05)
_NEAR = 0.75
"""What has this cosine with a needed tool may do as well, so it is taken out with it."""
_SEED = 20261121
_HEADERS = ["set", "searches", "right", "AUROC", "ECE", "AURC", "at random"]
_HEADERS += ["told that nothing fits", "... truly", "of the wrong", "of the right"]
_SMALL_TALK = Path(__file__).with_name("small_talk.txt")
_CALIBRATIONS = Path(c.__file__).parent / "calibrations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Searches:
    """n searches of one set: their signals, whether they were right, and of what kind they are."""

    name: str
    signals: NDArray[np.float64]
    right: NDArray[np.bool_]
    kinds: NDArray[np.str_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A labelled set with its index and the vectors of its tools."""

    labelled: LabelledSet
    index: ToolIndex
    places: dict[str, int]
    vectors: Vectors


class RememberingEmbedder:
    """An embedder that embeds no query twice: each is asked several times here."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._known: dict[str, Vectors] = {}
        self.id, self.dim = inner.id, inner.dim

    def embed(
        self, texts: Sequence[str], *, kind: TextKind = "document", progress: Callable[[int], None] | None = None
    ) -> Vectors:
        if kind == "document":
            return self._inner.embed(texts, kind=kind, progress=progress)
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._inner.embed(new, kind=kind), strict=True))
        return np.stack([self._known[text] for text in texts])


def main(options: argparse.Namespace) -> int:
    print(machine_line())
    if not (SHARED / "queries").exists():
        print(f"skipped: there are no labelled queries in {SHARED / 'queries'}")
        return 0
    embedder = RememberingEmbedder(open_embedder(options.model))
    small_talk = _SMALL_TALK.read_text("utf-8").splitlines()
    names = [name for name in (*FITTED_ON, *MEASURED_ON) if name not in options.without]
    opened = {name: open_set(name, embedder, options.work) for name in names}
    found: dict[str, Searches] = {}
    for place, name in enumerate(names):
        other = opened[names[(place + 1) % len(names)]]
        talk = small_talk[name in MEASURED_ON :: 2]
        embedder.embed([*(query.text for query in queries_of(opened[name], options.sample)), *talk], kind="query")
        found[name] = searches(opened[name], other, talk, size=options.sample)
        print(f"{name} done", file=sys.stderr, flush=True)
    fitted = fitted_calibration([found[name] for name in names if name in FITTED_ON], model=embedder.id)
    print(f"\nfitted for {fitted.model} on {fitted.fitted_on}; told that nothing fits below {THRESHOLD}")
    for lost in _LOST:
        threshold = threshold_for(fitted, [found[name] for name in names if name in FITTED_ON], lost)
        print(f"{lost:.0%} of the right searches it was fitted on are below {threshold:.3f}")
    print()
    print(table(["signal", "weight"], [[name, f"{weight:+.2f}"] for name, weight in fitted.weights.items()]))
    print()
    headers = [
        "set",
        "searches",
        "right",
        "AUROC",
        "ECE",
        "AURC",
        "at random",
        "told",
        "right to",
        "of wrong",
        "of right",
    ]
    print(table(headers, [figures(fitted, each) for each in [*found.values(), *together(found)]]))
    if options.write:
        _CALIBRATIONS.mkdir(exist_ok=True)
        target = _CALIBRATIONS / f"{file_name(fitted.model)}.json"
        target.write_bytes(msgspec.json.format(msgspec.json.encode(fitted), indent=2) + b"\n")
        print(f"\nwritten: {target.name}")
    if options.picture:
        draw(fitted, [found[name] for name in names if name in MEASURED_ON], options.picture)
    return 0


def open_set(name: str, embedder: Embedder, work: Path) -> Opened:
    """A set indexed in the work folder; only its first run embeds the tools."""
    labelled = read_labelled_set(SHARED / "queries", name)
    index = open_index(work / name, embedder)
    held = index.fingerprints()
    changed = [tool for tool in labelled.tools if held.get(tool.tool_id) != tool.fingerprint]
    if changed:
        index.apply(changed, generation=index.generation + 1)
        index.save()
    store = VectorStore(work / name / "vectors" / f"{file_name(embedder.id)}.bin", embedder.dim)
    rows = store.rows([passage_of(tool) for tool in labelled.tools], embedder)
    places = {tool.tool_id: place for place, tool in enumerate(labelled.tools)}
    return Opened(labelled=labelled, index=index, places=places, vectors=store.vectors(np.asarray(rows)))


def queries_of(opened: Opened, size: int) -> tuple[LabelledQuery, ...]:
    return sample(opened.labelled, size, seed=_SEED).queries


def searches(opened: Opened, other: Opened, small_talk: Sequence[str], *, size: int) -> Searches:
    """Every query over its tools, without those that would do, and over another set; then small talk."""
    rows = list(_rows(opened, other, small_talk, size))
    signals, right, kinds = zip(*rows, strict=True)
    return Searches(
        name=opened.labelled.name, signals=np.stack(signals), right=np.array(right, np.bool_), kinds=np.array(kinds)
    )


def _rows(
    opened: Opened, other: Opened, small_talk: Sequence[str], size: int
) -> Iterator[tuple[NDArray[np.float64], bool, str]]:
    for number, query in enumerate(queries_of(opened, size)):
        needed = frozenset[str]().union(*query.needed)
        yield *_search(opened.index, query.text, needed, frozenset()), "asked"
        # Half of the queries that nothing fits stay at home, half go abroad, so that neither kind rules the fit.
        where = opened if number % 2 else other
        vectors = opened.vectors[[opened.places[id_] for id_ in needed if id_ in opened.places]]
        kind = "removed" if number % 2 else "abroad"
        yield *_search(where.index, query.text, frozenset(), near(where, vectors) | needed), kind
    for text in small_talk:
        yield *_search(opened.index, text, frozenset(), frozenset()), "small talk"


def near(opened: Opened, vectors: Vectors) -> frozenset[str]:
    """The tools of a set that are near one of those given, so that they may do as well."""
    if not len(vectors):
        return frozenset()
    places = np.flatnonzero((opened.vectors @ vectors.T).max(axis=1) >= _NEAR)
    return frozenset(opened.labelled.tools[place].tool_id for place in places.tolist())


def _search(
    index: ToolIndex, text: str, needed: frozenset[str], removed: frozenset[str]
) -> tuple[NDArray[np.float64], bool]:
    hits = index.search(text, c.DEPTH, allow=(lambda id_: id_ not in removed) if removed else None)
    return c.signals_of(hits, words=len(written(without_values(text)))), any(hit.id in needed for hit in hits[:K])


def fitted_calibration(sets: Sequence[Searches], *, model: str) -> c.Calibration:
    """The calibration of several sets, each with the same weight however many searches it has."""
    signals = np.concatenate([each.signals for each in sets])
    right = np.concatenate([each.right for each in sets])
    weights = np.concatenate([np.full(len(each.right), len(right) / len(sets) / len(each.right)) for each in sets])
    mean, scale = signals.mean(axis=0), signals.std(axis=0) + 1e-9
    bias, slopes = c.fit((signals - mean) / scale, right, weights=weights)

    def named(values: NDArray[np.float64]) -> dict[str, float]:
        return {name: round(float(value), 6) for name, value in zip(c.SIGNALS, values, strict=True)}

    return c.Calibration(
        model=model,
        k=K,
        bias=round(bias, 6),
        weights=named(slopes),
        mean=named(mean),
        scale=named(scale),
        fitted_on={each.name: len(each.right) for each in sets},
    )


def threshold_for(fitted: c.Calibration, sets: Sequence[Searches], lost: float) -> float:
    """The threshold at which a share `lost` of the right searches would be told that nothing fits."""
    stated = np.concatenate([c.probabilities(fitted, each.signals[each.right]) for each in sets])
    return float(np.quantile(stated, lost))


def together(found: dict[str, Searches]) -> Iterator[Searches]:
    """All that was measured and not fitted on, and of that each kind of search against those that were asked."""
    unseen = [each for each in found.values() if each.name in MEASURED_ON]
    if not unseen:
        return
    signals = np.concatenate([each.signals for each in unseen])
    right = np.concatenate([each.right for each in unseen])
    kinds = np.concatenate([each.kinds for each in unseen])
    yield Searches(name="unseen sets", signals=signals, right=right, kinds=kinds)
    for kind in ("removed", "abroad", "small talk"):
        kept = right | (kinds == kind)
        yield Searches(name=f"right or {kind}", signals=signals[kept], right=right[kept], kinds=kinds[kept])


def figures(fitted: c.Calibration, found: Searches) -> list[str]:
    """One row: how many are told that nothing fits, how many of these are wrong indeed, and of all wrong and right."""
    stated = c.probabilities(fitted, found.signals)
    told = stated < THRESHOLD
    wrong = ~found.right
    return [
        found.name,
        f"{len(stated):,}",
        f"{found.right.mean():.2f}",
        f"{auroc(stated, found.right):.3f}",
        f"{calibration_error(stated, found.right):.3f}",
        f"{area_under_risk(stated, found.right):.3f}",
        f"{wrong.mean():.3f}",
        f"{told.mean():.2f}",
        f"{(told & wrong).sum() / max(told.sum(), 1):.3f}",
        f"{told[wrong].mean():.2f}",
        f"{told[found.right].mean():.3f}",
    ]


def draw(fitted: c.Calibration, sets: Sequence[Searches], path: Path) -> None:
    """Risk against coverage of each set, and what was stated against what was right."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, (risks, stating) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for each in sets:
        stated = c.probabilities(fitted, each.signals)
        coverage, risk = risk_coverage(stated, each.right)
        risks.plot(coverage, risk, label=f"{each.name} (AURC {area_under_risk(stated, each.right):.2f})")
        places = np.minimum((stated * 15).astype(int), 14)
        bins = [place for place in range(15) if (places == place).sum() >= 5]
        stating.plot(
            [stated[places == place].mean() for place in bins],
            [each.right[places == place].mean() for place in bins],
            marker="o",
            markersize=3,
            label=f"{each.name} (ECE {calibration_error(stated, each.right):.3f})",
        )
    stating.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    risks.set(xlabel="coverage", ylabel="share of wrong searches", ylim=(0, 1), title="Risk against coverage")
    stating.set(xlabel="stated probability", ylabel="share of right searches", title="Reliability, 15 bins")
    risks.legend(fontsize=8)
    stating.legend(fontsize=8)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=400, help="queries of each set")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="the model to fit it for")
    parser.add_argument("--without", nargs="*", default=[], help="sets to leave out")
    parser.add_argument("--work", type=Path, default=Path(".bench/calibration"), help="folder for the indexes")
    parser.add_argument("--write", action="store_true", help="put the fitted calibration into the package")
    parser.add_argument("--picture", type=Path, help="a PNG of the curves")
    raise SystemExit(main(parser.parse_args()))
