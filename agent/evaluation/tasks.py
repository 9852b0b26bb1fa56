"""`Task`: a goal in words, a world to reach it in, and the right way from any state of it. Drawn by seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agent.evaluation.aim import Aim, GoldStep, OutOfReach
from agent.evaluation.aims import database, files, home, tickets
from agent.evaluation.world import World, dice
from agent.evaluation.worlds.database import TOOLS as DATABASE_TOOLS
from agent.evaluation.worlds.database import database_world
from agent.evaluation.worlds.files import TOOLS as FILES_TOOLS
from agent.evaluation.worlds.files import files_world
from agent.evaluation.worlds.home import TOOLS as HOME_TOOLS
from agent.evaluation.worlds.home import home_world
from agent.evaluation.worlds.tickets import TOOLS as TICKETS_TOOLS
from agent.evaluation.worlds.tickets import tickets_world

_MOST_STEPS = 40
"""Of one way: whatever is longer goes round in circles."""


class _Module(Protocol):
    @property
    def draw(self) -> Callable[..., list[Aim[Any]]]: ...


WORLDS: dict[str, tuple[Callable[[int], World[Any]], _Module]] = {
    "files": (files_world, files),
    "database": (database_world, database),
    "tickets": (tickets_world, tickets),
    "home": (home_world, home),
}

TOOLS = {
    "files": tuple(FILES_TOOLS.values()),
    "database": tuple(DATABASE_TOOLS.values()),
    "tickets": tuple(TICKETS_TOOLS.values()),
    "home": tuple(HOME_TOOLS.values()),
}
"""The tools of each world."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`world` is as the task begins; work on a `twin` of it. gold: one right way through it, the shortest known."""

    id: str
    goal: str
    aims: tuple[Aim[Any], ...]
    world: World[Any]
    gold: tuple[GoldStep, ...]

    def reached(self, world: World[Any]) -> bool:
        """Whether the state of a world is what the goal asks for."""
        return all(aim.done(world.state) for aim in self.aims)


def draw_task(kind: str, seed: int, *, steps: tuple[int, int] = (3, 12), hindered: float = 0.4) -> Task:
    """The task of this seed, whose gold way has so many steps; each of its aims is hindered with this chance.

    Example:
        draw_task("files", 7).goal -> "Move /notes/survey-5.txt to /reports/survey-5.txt. Delete /notes/draft-10.txt."
    """
    for attempt in range(1000):
        rng = dice("task", kind, seed, attempt)
        make, aims_of = WORLDS[kind]
        world = make(rng.randrange(1_000_000))
        aims = tuple(aims_of.draw(world.state, rng, rng.randint(1, 4)))
        for aim in aims:
            if aim.hinder is not None and rng.random() < hindered:
                aim.hinder(world.state)
        gold = way(world, aims)
        if steps[0] <= len(gold) <= steps[1] and not any(aim.done(world.state) for aim in aims):
            goal = " ".join(aim.text for aim in aims)
            return Task(id=f"{kind}-{seed}", goal=goal, aims=aims, world=world, gold=tuple(gold))
    raise ValueError(f"no task of {kind} has {steps[0]} to {steps[1]} steps")


def way(world: World[Any], aims: Sequence[Aim[Any]], *, taste: int = 0) -> list[GoldStep]:
    """The right steps from the world as it is, aim by aim; aims that are out of reach are left out."""
    twin = world.twin()
    steps: list[GoldStep] = []
    for aim in aims:
        before = len(steps)
        try:
            while not aim.done(twin.state) and len(steps) < _MOST_STEPS:
                step = aim.step(twin.state, taste)
                if not twin.do(step.tool, step.arguments).ok:
                    raise OutOfReach(aim.text)
                steps.append(step)
        except OutOfReach:
            del steps[before:]
    return steps


def right_steps(world: World[Any], aims: Sequence[Aim[Any]]) -> list[GoldStep]:
    """Every step that is right next: the first towards any aim that is not reached, in either taste."""
    found: list[GoldStep] = []
    for aim in aims:
        for taste in (0, 1):
            try:
                step = None if aim.done(world.state) else aim.step(world.state, taste)
            except OutOfReach:
                continue
            if step is not None and step not in found:
                found.append(step)
    return found
