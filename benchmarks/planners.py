"""Tree-Planner against ReAct, plan-and-execute, local and global replan, with no model's quality in play.

An oracle stands where the model would (agent/evaluation): it knows the right way and makes mistakes of seeded
frequency, the same for every planner and for every action that is written. Every planner gets the same tasks of four
simulated worlds with the same seeds, and success is what the world says. Tokens are the estimate of agent/tokens over
the real prompts; the prefix cache is simulated over the last prompts of a run.

Whom it favours: the oracle looks at the world whenever it is asked, so it notices half of the mistakes that nothing was
refused for (Rates.overlooked); planners that ask more often notice them sooner.

Cost is in encoded tokens: net + price x cached + 3 x decoded, for a cached token's price of 1 (no prefix cache) and .1.
Intervals: 95 %, percentile bootstrap over the tasks, all seeds of a task together.

Example: .venv/bin/python benchmarks/planners.py --tasks 15 --seeds 3 --out /tmp/planners
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from _machine import machine_line, table
from _planner_report import Arm, by_length, by_purpose, compared, goals, overall, picture
from rich.console import Console
from rich.progress import track

from agent.evaluation.mind import Rates
from agent.evaluation.oracle import PROFILE
from agent.evaluation.tasks import WORLDS, draw_task
from agent.evaluation.trial import Setting, run_trial
from agent.options import Options

_BASELINES = ("react", "plan-execute", "local-replan", "global-replan")
_PRODUCT = "tree, N by cost"
"""As it is by default, on an endpoint with a prefix cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A planner with its options, and what is around it."""

    name: str
    options: Options
    setting: Setting


def main(options: argparse.Namespace) -> int:
    print(machine_line(), file=sys.stderr)
    arms = asyncio.run(all_arms(options))
    if options.json:
        print(json.dumps({arm.name: msgspec.to_builtins(arm.trials) for arm in arms}))
        return 0
    head = f"{len(arms[0].trials)} runs each; errors x {options.errors:g}; tools in the prompts: {options.tools}"
    tables = [overall(arms), by_purpose(arms), compared(arms, _PRODUCT), by_length(arms, _PRODUCT)]
    texts = [head, *(table(*each) for each in tables), goals(arms, _PRODUCT)]
    print("\n\n".join(texts))
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "planners.md").write_text("\n\n".join([machine_line(), *texts]) + "\n", "utf-8")
        picture(arms, options.out / "planners.png")
    return 0


async def all_arms(options: argparse.Namespace) -> list[Arm]:
    """Every way of planning, on the same tasks with the same seeds."""
    tasks = [
        draw_task(world, seed, steps=tuple(options.steps)) for seed in range(options.tasks) for world in options.worlds
    ]
    arms: list[Arm] = []
    console = Console(stderr=True)
    for way in ways(options):
        work = [(task, seed) for task in tasks for seed in range(options.seeds)]
        bar = track(work, way.name, console=console, transient=True, disable=not console.is_terminal)
        trials = [await run_trial(task, way.options, seed=seed, setting=way.setting) for task, seed in bar]
        arms.append(Arm(name=way.name, trials=tuple(trials)))
    return arms


def ways(options: argparse.Namespace) -> Iterator[Way]:
    """The baselines, the tree with N from the cost model for either cache price, and with each N of the sweep."""
    rates = Rates().scaled(options.errors)
    setting = Setting(rates=rates, others=options.tools == "all", remembers=options.remembers)
    no_cache = msgspec.structs.replace(PROFILE, cache_price=1.0)
    for name in _BASELINES:
        yield Way(name=name, options=_options(name), setting=setting)
    yield Way(name=_PRODUCT, options=_options("tree"), setting=setting)
    alone = Setting(rates=setting.rates, others=setting.others, profile=no_cache, remembers=0)
    yield Way(name="tree, N by cost, no cache", options=_options("tree"), setting=alone)
    for number in options.plans:
        yield Way(name=f"tree, N = {number}", options=_options("tree", number), setting=setting)


def _options(planner: str, plans: int | None = None) -> Options:
    """Every tool in the prompt, every result kept as it is, nobody to be asked: only the planners differ."""
    chosen = {"planner": planner, "equipment": "all", "memory": "full", "approve": "all", "guard_reads": "off"}
    return msgspec.convert({**chosen, "plans": plans, "max_tokens": 2_000_000, "context_tokens": 100_000}, Options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=10, help="of each world")
    parser.add_argument("--seeds", type=int, default=2, help="of mistakes, for each task")
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), choices=list(WORLDS))
    parser.add_argument("--steps", type=int, nargs=2, default=[3, 12], help="shortest and longest right way")
    parser.add_argument("--errors", type=float, default=1.0, help="all error rates times this")
    parser.add_argument("--plans", type=int, nargs="*", default=[1, 2, 4, 8, 16, 25], help="N of the sweep")
    parser.add_argument("--tools", choices=["own", "all"], default="all", help="of the task's world, or of all four")
    parser.add_argument("--remembers", type=int, default=8, help="prompts that the simulated prefix cache keeps")
    parser.add_argument("--json", action="store_true", help="print every run as JSON")
    parser.add_argument("--out", type=Path, help="folder for planners.md and planners.png")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(arguments()))
