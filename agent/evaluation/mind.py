"""`Mind`: knows the right way, and writes it down with mistakes of seeded frequency; the same for every planner."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from agent.evaluation.aim import Aim, GoldStep
from agent.evaluation.tasks import Task, way
from agent.evaluation.world import World, dice
from agent.references import Reference
from retrieval.tool import canonical_json


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """How often what goes wrong. Each action that is written passes through the first four, in whatever prompt.

    blind: a step that only makes the next one possible is not thought of, in any sample, until a refusal tells of it.
    slip: such a step is forgotten once. wrong_tool, wrong_argument: of an action that is written. overlooked: a wrong
    action that was not refused is taken for the right one, until something is refused. wrong_choice: of a decision
    between options. deaf: a refusal is not understood, and the action is written as before. variety: a plan takes the
    aims in another order, or the other of two equal ways.
    """

    blind: float = 0.25
    slip: float = 0.05
    wrong_tool: float = 0.02
    wrong_argument: float = 0.04
    overlooked: float = 0.5
    wrong_choice: float = 0.04
    deaf: float = 0.1
    variety: float = 0.15

    def scaled(self, factor: float) -> "Rates":
        """Everything but variety so many times as often, up to always."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__ if name != "variety"}
        return Rates(**{name: min(1.0, rate * factor) for name, rate in fields.items()}, variety=self.variety)


@dataclass(frozen=True, slots=True)
class Seen:
    """An option that a mind is asked about, understood: a tool and its arguments."""

    tool: str
    arguments: dict[str, Any]


class Mind:
    """Looks at the world itself, not at a prompt: what is measured is the planner, not how well text is understood."""

    def __init__(self, task: Task, world: World[Any], *, rates: Rates, seed: int) -> None:
        self.world = world
        self._task = task
        self._rates = rates
        self._seed = seed
        self._told: set[str] = set()
        self._meant: dict[str, str] = {}  # by what was written instead
        self._believed: set[str] = set()  # to have been done
        self._read = 0

    @property
    def done(self) -> bool:
        """Whether it finds nothing left to do: every aim is reached, out of reach, or believed to be reached."""
        return all(_key(step) in self._believed for step in way(self.world, self._task.aims))

    def notice(self) -> None:
        """Take in what the world has refused since the last time, and what it has not."""
        news, self._read = self.world.log[self._read :], len(self.world.log)
        for made in news:
            if not made.ok:
                self._told |= set(self._explains(made.tool, made.arguments))
                self._believed.clear()
            else:
                self._believed |= self._taken_for(_key(GoldStep(made.tool, made.arguments)))

    def plan(self, rng: random.Random, *, taken: int = 0) -> list[GoldStep]:
        """The whole way from here, with mistakes. Ids that nobody has told yet are references to who will tell them.

        taken: so many steps stand before the first one, for the numbers in references.
        """
        aims = list(self._task.aims)
        if rng.random() < self._rates.variety:
            rng.shuffle(aims)
        taste = int(rng.random() < self._rates.variety)
        steps = way(self.world, aims, taste=taste)
        told = told_by(self.world, steps)
        kept = [place for place, step in enumerate(steps) if not self._leaves_out(step, rng)]
        number = {place: taken + count for count, place in enumerate(kept, 1)}
        return [_referring(self._spoiled(steps[place], rng), told, number) for place in kept]

    def act(self, rng: random.Random) -> GoldStep | None:
        """The next step, with mistakes; none when there is nothing left to do."""
        for step in way(self.world, self._task.aims):
            if not self._leaves_out(step, rng):
                return self._spoiled(step, rng)
        return None

    def choose(self, options: Sequence[Seen | None], fits: Callable[[Seen, GoldStep], bool]) -> list[int]:
        """Which of the options it takes for right, by their places; none where it finds none."""
        steps = [step for aim in self._task.aims for step in self._next(aim)]
        return [
            place
            for place, option in enumerate(options)
            if option is not None and any(fits(option, step) for step in steps)
        ]

    def errs(self, rng: random.Random) -> bool:
        """Whether this decision is a wrong one."""
        return rng.random() < self._rates.wrong_choice

    def _taken_for(self, written: str) -> set[str]:
        """The right step that a wrong one is believed to have been, if it was written as one and is overlooked."""
        meant = self._meant.get(written)
        return {meant} if meant and self._latent("overlooked", written) < self._rates.overlooked else set()

    def _next(self, aim: Aim[Any]) -> list[GoldStep]:
        """What it takes for right next towards one aim, in either taste."""
        ways = [way(self.world, [aim], taste=taste) for taste in (0, 1)]
        thought = [[step for step in steps if self._thinks_of(step)] for steps in ways]
        return [steps[0] for steps in thought if steps]

    def _explains(self, tool: str, arguments: dict[str, Any]) -> list[str]:
        """The steps that a refused call shows to be missing: those right before it on the way to any aim."""
        missing: list[str] = []
        for aim in self._task.aims:
            for taste in (0, 1):
                steps = way(self.world, [aim], taste=taste)
                place = next((i for i, step in enumerate(steps) if not step.mends), 0)
                if steps and (steps[place].tool, steps[place].arguments) == (tool, arguments):
                    missing += [_key(step) for step in steps[:place]]
        return missing

    def _thinks_of(self, step: GoldStep) -> bool:
        key = _key(step)
        if key in self._believed:
            return False
        return not step.mends or key in self._told or self._latent("blind", key) >= self._rates.blind

    def _latent(self, what: str, key: str) -> float:
        """From 0 to 1, the same whenever it is asked for."""
        return dice(what, self._seed, self._task.id, key).random()

    def _leaves_out(self, step: GoldStep, rng: random.Random) -> bool:
        if not step.mends or _key(step) in self._believed:
            return not self._thinks_of(step)
        if _key(step) in self._told:
            return rng.random() < self._rates.deaf
        return not self._thinks_of(step) or rng.random() < self._rates.slip

    def _spoiled(self, step: GoldStep, rng: random.Random) -> GoldStep:
        rates, draw = self._rates, rng.random()
        if draw < rates.wrong_tool:
            written = self._with_another_tool(step, rng)
        elif draw < rates.wrong_tool + rates.wrong_argument and step.arguments:
            written = self._with_another_argument(step, rng)
        else:
            return step
        self._meant.setdefault(_key(written), _key(step))
        return written

    def _with_another_tool(self, step: GoldStep, rng: random.Random) -> GoldStep:
        """Mostly one that takes the same arguments, where there is any: that is how tools are confused."""
        wanted = set(step.arguments)
        others = [tool.spec for name, tool in self.world.tools.items() if name != step.tool]
        alike = [spec for spec in others if wanted & set(spec.input_schema["properties"])]
        spec = rng.choice(alike or others)
        given = {
            name: step.arguments[name] if name in wanted else self._value(name, schema, rng)
            for name, schema in spec.input_schema["properties"].items()
        }
        return GoldStep(spec.name, given)

    def _with_another_argument(self, step: GoldStep, rng: random.Random) -> GoldStep:
        name = rng.choice(sorted(step.arguments))
        schema = self.world.tools[step.tool].spec.input_schema["properties"][name]
        value = self._value(name, schema, rng, other_than=step.arguments[name])
        return GoldStep(step.tool, {**step.arguments, name: value})

    def _value(self, name: str, schema: dict[str, Any], rng: random.Random, other_than: Any = None) -> Any:
        if schema.get("type") == "boolean":
            return not other_than
        known = schema.get("enum") or self.world.state.values(name)
        others = [value for value in known if value != other_than]
        if others:
            return rng.choice(others)
        if schema.get("type") == "integer":
            return (other_than or 0) + rng.randint(1, 3)
        return f"{other_than or name} {rng.randint(2, 9)}"


Told = dict[int, tuple[int, tuple[str | int, ...]]]
"""By each id: the place of the step whose result tells it first, and where in that."""


def told_by(world: World[Any], steps: Sequence[GoldStep]) -> Told:
    """Which ids that nobody knows yet are told by which of the steps."""
    twin, told = world.twin(), Told()
    known: set[int] = getattr(world.state, "seen", set[int]())
    for place, step in enumerate(steps):
        for path, value in _ids(twin.do(step.tool, step.arguments).result):
            if value not in known:
                told.setdefault(value, (place, path))
    return told


def _ids(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], int]]:
    match value:
        case dict():
            for key, inner in value.items():
                yield from _ids(inner, (*path, key))
        case list():
            for place, inner in enumerate(value):
                yield from _ids(inner, (*path, place))
        case int() if is_id(str(path[-1])):
            yield path, value
        case _:
            pass


def is_id(name: str) -> bool:
    """Whether an argument or a result of this name is an id."""
    return name == "id" or name.endswith("_id")


def _referring(step: GoldStep, told: Told, number: dict[int, int]) -> GoldStep:
    given = dict(step.arguments)
    for name, value in given.items():
        if is_id(name) and value in told and told[value][0] in number:
            place, path = told[value]
            given[name] = str(Reference(number[place], path))
    return GoldStep(step.tool, given, step.mends)


def _key(step: GoldStep) -> str:
    return f"{step.tool} {canonical_json(step.arguments)}"
