"""PRISM against full context, incremental and hierarchical summaries, on streams whose facts are known.

No model's quality is in play: an oracle reads what stands in its prompt, but for a seeded share of facts that it
overlooks and of revisions that it first puts at a wrong path (agent/prism/oracle). Memory and summaries may take the
same number of tokens. Tokens are counted on the real prompts; cached is what a prompt shares with the one before, in
blocks of 16. Cost is net-encoded + a x cached + 3 x decoded, in tokens. At the end every way answers the same 50
questions.

Example: .venv/bin/python benchmarks/prism.py --tokens 10000 100000 --chunks 500 2000 8000 --png prism.png
"""

import argparse
import asyncio
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from _machine import machine_line, stopwatch, table
from _readers import ALPHAS, BEST, FULL, INCREMENTAL, WAYS, Result, Setup
from _streams import Stream, make_stream

from agent.prism.oracle import Slot, asked

_QUESTIONS = 50


def scored(found: Result, stream: Stream, questions: Sequence[Slot]) -> Result:
    """F1 of (slot, value) pairs, with and without those that are disputed; right answers; false claims that won."""
    claimed = stream.false.keys()
    clean = f1(
        {slot: value for slot, value in found.known.items() if slot not in claimed},
        {slot: value for slot, value in stream.gold.items() if slot not in claimed},
    )
    answered = sum(found.answers.get(slot) == stream.gold[slot] for slot in questions) / len(questions)
    won = sum(found.known.get(slot) == value for slot, value in stream.false.items()) / max(1, len(stream.false))
    return replace(
        found, scores={"f1": f1(found.known, stream.gold), "clean": clean, "answers": answered, "false": won}
    )


def f1(known: Mapping[Slot, str], gold: Mapping[Slot, str]) -> float:
    right = sum(gold.get(slot) == value for slot, value in known.items())
    return 2 * right / max(1, len(known) + len(gold))


async def measure(options: argparse.Namespace) -> list[Result]:
    found: list[Result] = []
    for tokens in options.tokens:
        stream = make_stream(tokens, seed=options.seed, a_fact_in=options.a_fact_in, updates=options.updates)
        questions = random.Random(options.seed).sample(sorted(stream.gold), min(_QUESTIONS, len(stream.gold)))
        for chunk in options.chunks:
            setup = Setup(
                chunk=chunk,
                memory=options.memory,
                miss=options.miss,
                wrong_paths=options.wrong_paths,
                seed=options.seed,
            )
            for way in options.ways:
                if way == FULL and chunk != options.chunks[0]:
                    continue
                with stopwatch() as watch:
                    made = await WAYS[way](stream, setup, asked(questions))
                found.append(scored(replace(made, tokens=tokens, seconds=watch.seconds), stream, questions))
                print(
                    f"{tokens:,} tokens, chunks of {chunk}, {way}: {watch.seconds:.1f} s", file=sys.stderr, flush=True
                )
    return found


def report(found: Sequence[Result]) -> str:
    heads = [
        "stream",
        "chunk",
        "way",
        "F1",
        "undisputed",
        "answers",
        "false kept",
        "net in",
        "cached",
        "decoded",
        "hit",
        "peak",
    ]
    heads += [f"cost a={alpha:g}" for alpha in ALPHAS] + ["left out", "folds"]
    rows = [
        [
            f"{each.tokens:,}",
            "-" if each.way == FULL else f"{each.chunk:,}",
            each.way,
            f"{each.scores['f1']:.3f}",
            f"{each.scores['clean']:.3f}",
            f"{each.scores['answers']:.0%}",
            f"{each.scores['false']:.0%}",
            f"{each.usage.net_encoded:,}",
            f"{each.usage.cached:,}",
            f"{each.usage.decoded:,}",
            f"{each.usage.cached / each.usage.encoded:.0%}",
            f"{each.peak:,}",
            *(f"{each.costs[alpha]:,.0f}" for alpha in ALPHAS),
            str(each.rejected),
            str(each.folds),
        ]
        for each in found
    ]
    return table(heads, rows)


def goals(found: Sequence[Result]) -> str:
    """The paper's figures beside ours; a goal that is missed says so."""
    by = {(each.tokens, each.chunk, each.way): each for each in found}
    rows: list[list[str]] = []
    for (tokens, chunk, way), each in by.items():
        if way != BEST:
            continue
        where = f"{tokens:,} / {chunk:,}"
        if other := by.get((tokens, chunk, INCREMENTAL)):
            for alpha in ALPHAS:
                saved = 1 - each.costs[alpha] / other.costs[alpha]
                label = f"cost below the incremental summary's, a={alpha:g}"
                rows.append([where, label, "up to 54 %", f"{saved:.0%}", _said(saved >= 0.54)])
        whole = next((each for each in found if each.tokens == tokens and each.way == FULL), None)
        if whole:
            smaller = whole.peak / each.peak
            rows.append([where, "longest prompt, full context / PRISM", "4x", f"{smaller:.1f}x", _said(smaller >= 4)])
        if chunk == 500 and (large := by.get((tokens, 2_000, BEST))):
            loss = large.scores["f1"] - each.scores["f1"]
            rows.append(
                [where, "F1 lost by 500-token chunks (against 2,000)", "none", f"{loss:.3f}", _said(loss <= 0.005)]
            )
            more = each.costs[0.0] / large.costs[0.0]
            rows.append(
                [where, "cost of 500-token chunks (against 2,000), a=0", "1x", f"{more:.2f}x", _said(more <= 1.1)]
            )
    return table(["stream / chunk", "what", "paper", "here", ""], rows)


def _said(met: bool) -> str:
    return "met" if met else "MISSED"


def draw(found: Sequence[Result], path: Path) -> None:
    """Cost by chunk size on the longest stream, at each cache price; the longest prompt by the length of the stream."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    longest = max(each.tokens for each in found)
    figure, axes = plt.subplots(1, len(ALPHAS) + 1, figsize=(20, 5))
    for number, way in enumerate(dict.fromkeys(each.way for each in found)):
        colour = f"C{number}"
        mine = [each for each in found if each.way == way and each.tokens == longest]
        for axis, alpha in zip(axes, ALPHAS, strict=False):
            xs, ys = [each.chunk for each in mine], [each.costs[alpha] for each in mine]
            if way == FULL:
                axis.axhline(ys[0], linestyle=":", color=colour, label=way)
            else:
                axis.plot(xs, ys, marker="o", color=colour, label=way)
            axis.set(xscale="log", yscale="log", xlabel="chunk, tokens", title=f"cost, {longest:,} tokens, a={alpha:g}")
        smallest = min(each.chunk for each in found if each.way == way)
        lengths = [each for each in found if each.way == way and each.chunk == smallest]
        axes[-1].plot(
            [each.tokens for each in lengths], [each.peak for each in lengths], marker="o", color=colour, label=way
        )
    axes[-1].set(xscale="log", yscale="log", xlabel="stream, tokens", title="longest prompt, tokens")
    axes[-1].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--chunks", type=int, nargs="+", default=[500, 2_000, 8_000])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--memory", type=int, default=8_000, help="tokens of memory or summary in a prompt")
    parser.add_argument("--a-fact-in", type=int, default=200, help="tokens of text for each fact")
    parser.add_argument("--updates", type=float, default=0.3, help="share of facts that change an earlier one")
    parser.add_argument("--miss", type=float, default=0.02, help="share of facts that the oracle overlooks")
    parser.add_argument("--wrong-paths", type=float, default=0.02, help="share of revisions at a wrong path at first")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--png", type=Path)
    options = parser.parse_args()
    print(machine_line())
    found = asyncio.run(measure(options))
    print(f"\n{report(found)}\n\n{goals(found)}")
    if options.png:
        draw(found, options.png)


if __name__ == "__main__":
    main()
