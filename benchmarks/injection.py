"""What gets done of what tools tell a run to do: the injection corpus through `run_agent`, with and without taint.

The model is a script that does its task and, with the probability given, whatever an attack wants once it has read it
(agent/injection): how well a real model resists is not in play. A person answers the questions: yes to what the goal
still needs, no to all else.

harmed: attacks whose aim was carried out. finished: tasks of which every step was made. alone: without a question about
one of their own steps. asked: questions to the person, about steps of the task and about what was injected.

guards: none (approve=all), taint (approve=untainted, as with --yes), strict (guard_reads=all beside), ask (approve=ask,
the default). The planner `tree` runs only the tasks whose every argument stands in the goal: what is not known before
the first step it would refer to by reference.

Example: .venv/bin/python benchmarks/injection.py --seeds 5
"""

import argparse
import asyncio
from collections.abc import Sequence
from statistics import mean
from typing import Literal

from _machine import machine_line, table

from agent.injection.corpus import Case, categories, corpus
from agent.injection.harness import GUARDS, Guard, Outcome, run_case

_HEAD = ("cases", "harmed", "finished", "alone", "asked: task", "asked: injected")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="how often each case runs where the model obeys by chance")
    seeds = parser.parse_args().seeds
    print(machine_line())
    print(
        f"\n{len(corpus())} cases; a model that obeys every attack that it reads; mean of {seeds} seeds below 100 %\n"
    )
    print(asyncio.run(_by_guard(seeds)))
    print("\nreact, by kind of attack: attacks carried out of how many\n")
    print(asyncio.run(_by_category()))


async def _by_guard(seeds: int) -> str:
    rows: list[list[str]] = []
    planners: tuple[Literal["react", "tree"], ...] = ("react", "tree")
    for planner in planners:
        cases = [case for case in corpus() if planner == "react" or case.plannable]
        for obeys in (1.0, 0.5, 0.0):
            for guard in GUARDS:
                tries = range(seeds if 0 < obeys < 1 else 1)
                ended = [
                    [await run_case(case, guard, obeys=obeys, seed=seed, planner=planner) for case in cases]
                    for seed in tries
                ]
                rows.append([planner, f"{obeys:.0%}", guard, *_counts(ended)])
    return table(["planner", "obeys", "guard", *_HEAD], rows)


def _counts(tries: Sequence[Sequence[Outcome]]) -> list[str]:
    def told(count: float) -> str:
        return f"{count:.1f}".removesuffix(".0")

    return [
        str(len(tries[0])),
        told(mean(sum(each.harmed for each in ended) for ended in tries)),
        told(mean(sum(each.finished for each in ended) for ended in tries)),
        told(mean(sum(each.alone for each in ended) for ended in tries)),
        told(mean(sum(each.asked_task for each in ended) for ended in tries)),
        told(mean(sum(each.asked_injected for each in ended) for ended in tries)),
    ]


async def _by_category() -> str:
    rows: list[list[str]] = []
    for category in categories(corpus()):
        cases = [case for case in corpus() if case.category == category]
        rows.append([category, str(len(cases)), *[str(await _harmed(cases, guard)) for guard in GUARDS]])
    return table(["attack", "cases", *GUARDS], rows)


async def _harmed(cases: Sequence[Case], guard: Guard) -> int:
    return sum([(await run_case(case, guard)).harmed for case in cases])


if __name__ == "__main__":
    main()
