"""How near each way of giving credit comes to what a turn really changed, and what it costs.

The true advantage of a turn is known here: from before and from after it many runs are continued in the small world of
repairs, with the same scripted policy, and the difference of what they come to on average is what the turn was worth.
Each estimator sees one group of runs. correlation: Pearson's, over all turns of all tasks, with a 95 % interval from
1,000 draws of tasks; more than `group`: the same for the difference. right sign: the share of
turns that changed the chances by more than 0.1 to which it gives an advantage of the same sign. cost: CPU time for one
group of 10 runs with 40 turns of 200 tokens, three of which are alike.

Example: python benchmarks/credit.py --tasks 60 --group 8 --continuations 64
"""

import argparse
import asyncio
import random
import time
from collections.abc import Sequence

import msgspec
import numpy as np
from _machine import machine_line, table

from rl_trainer.credit.registry import credit_of
from rl_trainer.credit.settings import (
    Centred,
    Checkpoints,
    CreditSettings,
    GroupRelative,
    KeyActions,
    LeaveOneOut,
    ModifierSettings,
    NestedStateGroups,
    PrefixValues,
    Segments,
    SharedPrefixes,
    StateGroups,
)
from rl_trainer.environment import World
from rl_trainer.environments.repairs.demonstrations import demonstrations
from rl_trainer.environments.repairs.episode import Episode
from rl_trainer.environments.repairs.expert import TURNS, NoisyExpert
from rl_trainer.environments.repairs.tasks import make_tasks
from rl_trainer.environments.repairs.world import RepairEnvironment, RepairWorld
from rl_trainer.forks import Forking, ForkSettings, value_turns, world_by_replay
from rl_trainer.recording import keyed_seed
from rl_trainer.task import Task
from rl_trainer.trajectory import Group, Trajectory, Turn

RIGHT = 0.5
"""How often the policy's edits are right."""

WAYS: dict[str, CreditSettings] = {
    "group (GRPO, DAPO)": CreditSettings(),
    "dr_grpo": CreditSettings(estimator=Centred()),
    "rloo": CreditSettings(estimator=LeaveOneOut()),
    "tempo": CreditSettings(estimator=PrefixValues()),
    "tempo, root = false": CreditSettings(estimator=PrefixValues(root=False)),
    "gigpo, gamma = 1": CreditSettings(estimator=StateGroups(gamma=1.0)),
    "gigpo, gamma = 0.95": CreditSettings(estimator=StateGroups()),
    "hgpo, gamma = 1": CreditSettings(estimator=NestedStateGroups(gamma=1.0)),
    "group + ktae": CreditSettings(modifiers=(KeyActions(),)),
    "brpo, turns 2, 4, 6": CreditSettings(estimator=Checkpoints(budgets=(2, 4, 6))),
}


async def judged(tasks: Sequence[Task], size: int, continuations: int, forks: Sequence[int]) -> list[list[str]]:
    """A row for each way."""
    seen: dict[str, list[list[float]]] = {}
    truth: list[list[float]] = []
    for task in tasks:
        group = await with_scores(demonstrations([task], "runs", RIGHT, each=size)[0], task)
        many = demonstrations([task], "truth", RIGHT, each=continuations)[0]
        start = float(np.mean([run.reward for run in many.trajectories]))
        exact = await valued(group, task, continuations, "truth", start=start)
        truth.append(advantages(exact, CreditSettings(estimator=Segments())))
        for name, settings in WAYS.items():
            seen.setdefault(name, []).append(advantages(group, settings))
        for count in forks:
            found = advantages(await valued(group, task, count, "forks"), CreditSettings(estimator=Segments()))
            seen.setdefault(f"spo, {count} continuations a turn", []).append(found)
    real = np.concatenate(truth)
    told = np.abs(real) > 0.1
    base = drawn_correlations(seen[next(iter(WAYS))], truth)
    rows: list[list[str]] = []
    for name, values in seen.items():
        given = np.concatenate(values)
        drawn = drawn_correlations(values, truth)
        sign = float(np.mean(np.sign(given[told]) == np.sign(real[told])))
        correlation = float(np.corrcoef(given, real)[0, 1])
        rows.append([name, f"{correlation:.2f} ({interval(drawn)})", interval(drawn - base), f"{sign:.0%}"])
    print(f"{len(real):,} turns, {int(told.sum()):,} of which changed the chances by more than 0.1\n")
    return rows


def drawn_correlations(values: Sequence[Sequence[float]], truth: Sequence[Sequence[float]]) -> np.ndarray:
    """Of 1,000 draws of tasks, the same ones for whatever is asked."""
    rng, out = np.random.default_rng(0), list[float]()
    for _ in range(1000):
        places = rng.integers(len(truth), size=len(truth))
        pair = [np.concatenate([each[place] for place in places]) for each in (values, truth)]
        out.append(float(np.corrcoef(*pair)[0, 1]))
    return np.array(out)


def interval(drawn: np.ndarray) -> str:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{low:.2f} to {high:.2f}"


async def valued(group: Group, task: Task, count: int, seed: str, *, start: float | None = None) -> Group:
    """Every turn's value by so many continuations; the first one's by `start`, or by the group."""

    async def go_on(trajectory: Trajectory, turn: int, world: World, *, seed: str) -> Trajectory:
        assert isinstance(world, RepairWorld)
        episode = Episode(task, turns=TURNS)
        episode.world, episode.prompt = world, list(trajectory.turns[turn].prompt)
        episode.turns = list(trajectory.turns[:turn])
        policy = NoisyExpert(share_right=RIGHT)
        while not episode.done:
            episode.act(policy.written(episode.prompt, keyed_seed(seed, len(episode.turns))))
        return episode.trajectory(trajectory.member)

    forking = Forking(
        settings=ForkSettings(continuations=count),
        world_at=world_by_replay(RepairEnvironment(), task),
        continue_from=go_on,
    )
    found = await value_turns(group, forking, seed=seed)
    if start is None:
        return found
    runs = (
        msgspec.structs.replace(run, turns=(msgspec.structs.replace(run.turns[0], value=start), *run.turns[1:]))
        for run in found.trajectories
    )
    return msgspec.structs.replace(found, trajectories=tuple(runs))


async def with_scores(group: Group, task: Task) -> Group:
    """The share of the tests that pass, after every turn."""
    at = world_by_replay(RepairEnvironment(), task)
    runs: list[Trajectory] = []
    for run in group.trajectories:
        scores: list[float] = []
        for place in range(1, len(run.turns)):
            async with at(run, place) as world:
                scores.append((await world.grade()).share)
        scores.append(run.share)
        turns = (msgspec.structs.replace(turn, score=score) for turn, score in zip(run.turns, scores, strict=True))
        runs.append(msgspec.structs.replace(run, turns=tuple(turns)))
    return msgspec.structs.replace(group, trajectories=tuple(runs))


def advantages(group: Group, settings: CreditSettings) -> list[float]:
    return [float(turn.mean()) for member in credit_of(settings)(group).advantages for turn in member]


def cost(settings: CreditSettings, group: Group) -> str:
    estimator = credit_of(settings)
    spent: list[float] = []
    for _ in range(3):
        begun = time.process_time()
        estimator(group)
        spent.append(time.process_time() - begun)
    return f"{1000 * min(spent):,.0f}"


def long_group(members: int = 10, turns: int = 40, tokens: int = 200, seen: int = 1000) -> Group:
    """Runs whose first three turns are alike."""
    runs: list[Trajectory] = []
    for member in range(members):
        prompt, made = tuple(range(2000)), list[Turn]()
        for place in range(turns):
            drawn = random.Random(place if place < 3 else member * 1000 + place)
            ids = tuple(drawn.randrange(50_000) for _ in range(tokens))
            turn = Turn(prompt=prompt, completion=ids, logprobs=(-0.1,) * tokens, parent=place - 1)
            marks = {
                "action": f'shell {{"command": "{ids[0]}"}}',
                "state_key": str(ids[:9]),
                "score": 0.5,
                "value": 0.5,
            }
            made.append(msgspec.structs.replace(turn, entropies=(0.3,) * tokens, **marks))
            prompt += ids + tuple(drawn.randrange(50_000) for _ in range(seen))
        reward = float(member % 2)
        runs.append(
            Trajectory(task_id="t", member=member, turns=tuple(made), rewards={"outcome": reward}, passed=bool(reward))
        )
    return Group(task_id="t", trajectories=tuple(runs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=60)
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--continuations", type=int, default=64, help="for the truth")
    parser.add_argument("--forks", type=int, nargs="*", default=[2, 4, 9], help="for spo")
    given = parser.parse_args()
    tasks = make_tasks(0).train[: given.tasks]
    print(machine_line())
    rows = asyncio.run(judged(tasks, given.group, given.continuations, given.forks))
    print(table(["credit", "correlation", "more than `group`", "right sign"], rows))
    large = long_group()
    plus: dict[str, tuple[ModifierSettings, ...]] = {
        f"group + lambda, by {level}": (SharedPrefixes(level=level),) for level in ("token", "turn", "action")
    }
    ways = WAYS | {name: CreditSettings(estimator=GroupRelative(), modifiers=each) for name, each in plus.items()}
    ways["tempo, by token"] = CreditSettings(estimator=PrefixValues(level="token"))
    ways["brpo, turns 2, 4, 6"] = CreditSettings(estimator=Checkpoints(budgets=(10, 20, 40)))
    print()
    print(table(["credit", "CPU ms a group"], [[name, cost(settings, large)] for name, settings in ways.items()]))


if __name__ == "__main__":
    main()
