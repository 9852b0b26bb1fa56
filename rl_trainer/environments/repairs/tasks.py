"""`make_tasks`: the tasks of the world, three sets of them, from a seed alone."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rl_trainer.environments.repairs.mutations import OPERATORS, mutants
from rl_trainer.environments.repairs.program import results
from rl_trainer.environments.repairs.specs import SLOTS, Slot, Spec, chosen_specs, right_lines
from rl_trainer.task import Task

NAME = "repairs"
TESTS = 6
_POOL = 20
_LONGEST, _LARGEST = 6, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Repairs:
    """train; held_out_specs: the same kinds of bug under specs that train does not have; held_out_kinds: specs of
    train with bugs of a mutation operator that train does not have."""

    train: tuple[Task, ...]
    held_out_specs: tuple[Task, ...]
    held_out_kinds: tuple[Task, ...]


def make_tasks(
    seed: int = 0, *, specs: int = 200, held_out: int = 48, each: int = 2, held_out_operator: str = "variable"
) -> Repairs:
    """Tasks for so many specs and so many held-out ones; at most `each` bugs for every slot of a spec.

    Every slot is wrong equally often, so that "always mend that line" solves a fifth and no more. Of a slot's bugs the
    operators take turns. The order is shuffled.

    Example:
        make_tasks(0).train[0].goal -> "two rest odd sum negate"
    """
    if held_out_operator not in OPERATORS:
        raise ValueError(f"there is no mutation operator {held_out_operator!r}; there are {', '.join(OPERATORS)}")
    shown = tuple(name for name in OPERATORS if name != held_out_operator)
    chosen = chosen_specs(seed, specs + held_out)
    return Repairs(
        train=_set(seed, chosen[:specs], shown, each),
        held_out_specs=_set(seed, chosen[specs:], shown, each),
        held_out_kinds=_set(seed, chosen[:specs], (held_out_operator,), each),
    )


@lru_cache(maxsize=2_048)
def tests_for(spec: Spec) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """Six inputs and what the right program gives for them: those that tell the most wrong lines from the right one."""
    drawn = random.Random(f"tests:{' '.join(spec)}")  # noqa: S311 - no secret
    pool = [tuple(drawn.randint(0, _LARGEST) for _ in range(drawn.randint(0, _LONGEST))) for _ in range(_POOL)]
    right = right_lines(spec)
    wanted = results(right, tuple(pool))
    given = [
        results(_with(right, slot, line), tuple(pool))
        for slot, word in zip(SLOTS, spec, strict=True)
        for lines in mutants(slot, word).values()
        for line in lines
    ]
    told = [{number for number, got in enumerate(given) if got[place] != wanted[place]} for place in range(_POOL)]
    taken: list[int] = []
    for _ in range(TESTS):
        seen = {number: sum(number in told[place] for place in taken) for number in range(len(given))}
        worth = [sum(0.25 ** seen[number] for number in each) for each in told]
        taken.append(max((place for place in range(_POOL) if place not in taken), key=lambda place: worth[place]))
    return tuple(pool[place] for place in taken), tuple(wanted[place] or 0 for place in taken)


def _set(seed: int, specs: Sequence[Spec], operators: Sequence[str], each: int) -> tuple[Task, ...]:
    """The slots have equally many tasks: what one has more than the poorest is left out."""
    by_slot: dict[str, list[Task]] = {slot.name: [] for slot in SLOTS}
    for spec in specs:
        inputs, wanted = tests_for(spec)
        for slot, word in zip(SLOTS, spec, strict=True):
            bugs = [
                bug for bug in _bugs(seed, spec, slot, word, operators) if _fails(spec, slot, bug[1], inputs, wanted)
            ]
            by_slot[slot.name] += [_task(spec, slot, bug, inputs, wanted) for bug in bugs[:each]]
    drawn = random.Random(f"{seed}:{' '.join(operators)}:{len(specs)}:order")  # noqa: S311 - no secret
    fewest = min(map(len, by_slot.values()))
    tasks = [task for found in by_slot.values() for task in drawn.sample(found, fewest)]
    drawn.shuffle(tasks)
    return tuple(tasks)


def _bugs(seed: int, spec: Spec, slot: Slot, word: str, operators: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The slot's wrong lines with their operators, which take turns; in an order of the spec's own."""
    drawn = random.Random(f"{seed}:{' '.join(spec)}:{slot.name}")  # noqa: S311 - no secret
    made = mutants(slot, word)
    rows = [drawn.sample(made[name], len(made[name])) for name in operators]
    named = list(zip(operators, rows, strict=True))
    drawn.shuffle(named)
    for turn in range(max(map(len, rows))):
        for name, lines in named:
            if turn < len(lines):
                yield name, lines[turn]


def _fails(spec: Spec, slot: Slot, line: str, inputs: tuple[tuple[int, ...], ...], wanted: tuple[int, ...]) -> bool:
    return results(_with(right_lines(spec), slot, line), inputs) != wanted


def _with(lines: tuple[str, ...], slot: Slot, line: str) -> tuple[str, ...]:
    return (*lines[: slot.line - 1], line, *lines[slot.line :])


def _task(
    spec: Spec,
    slot: Slot,
    bug: tuple[str, str],
    inputs: tuple[tuple[int, ...], ...],
    wanted: tuple[int, ...],
) -> Task:
    operator, line = bug
    data: dict[str, Any] = {
        "lines": list(_with(right_lines(spec), slot, line)),
        "inputs": [list(each) for each in inputs],
        "wanted": list(wanted),
        "operator": operator,
    }
    goal = " ".join(spec)
    return Task(
        id=f"{NAME}/{'-'.join(spec)}/{slot.name}/{line.replace(' ', '')}",
        goal=goal,
        environment=NAME,
        kind=slot.name,
        group=goal,
        source="generated",
        licence="Apache-2.0",
        data=data,
    )
