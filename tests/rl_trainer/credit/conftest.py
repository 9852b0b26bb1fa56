"""Groups to give credit in: a run is a word, each of its letters an action."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from rl_trainer.credit.credit import Credit, PerTurn
from rl_trainer.credit.registry import credit_of
from rl_trainer.credit.settings import CreditSettings
from rl_trainer.trajectory import Group, Trajectory, Turn

TASK = (7, 7)
SEEN = (9,)

few = settings(max_examples=15)


def a_run(member: int, word: str, reward: float, **fields: Any) -> Trajectory:
    """Every action is written with two ids, and answered with one; its state is all that was done so far.

    Scores, values and entropies are there, with no meaning.
    """
    turns: list[Turn] = []
    prompt = TASK
    for place, letter in enumerate(word):
        ids = (ord(letter), 1)
        turns.append(
            Turn(
                prompt=prompt,
                completion=ids,
                logprobs=(-0.5,) * len(ids),
                action=f'{letter} {{"path": "{letter}.py"}}',
                state_key="state " + word[:place],
                entropies=(0.1 + 0.01 * (ord(letter) % 7), 0.5),
                score=0.25 * (place % 4),
                value=0.125 * (ord(letter) % 5),
                version=member,
                parent=place - 1,
            )
        )
        prompt = (*prompt, *ids, *SEEN)
    trajectory = Trajectory(
        task_id="t",
        member=member,
        turns=tuple(turns),
        rewards={"outcome": reward},
        passed=reward > 0,
        observations=tuple(f"saw {letter}" for letter in word),
    )
    return msgspec.structs.replace(trajectory, **fields)


def a_group(words: Sequence[str], rewards: Sequence[float]) -> Group:
    runs = [a_run(place, *each) for place, each in enumerate(zip(words, rewards, strict=True))]
    return Group(task_id="t", trajectories=tuple(runs))


def with_turns(group: Group, member: int, **fields: Sequence[Any]) -> Group:
    """The group with fields of one member's turns set, a value a turn."""
    run = group.trajectories[member]
    turns = [
        msgspec.structs.replace(turn, **{name: values[place] for name, values in fields.items()})
        for place, turn in enumerate(run.turns)
    ]
    runs = list(group.trajectories)
    runs[member] = msgspec.structs.replace(run, turns=tuple(turns))
    return msgspec.structs.replace(group, trajectories=tuple(runs))


def alone(group: Group) -> Group:
    """The same runs with nothing in common but the task: no prompt, no action, no state."""
    runs: list[Trajectory] = []
    for place, run in enumerate(group.trajectories):
        turns = tuple(
            msgspec.structs.replace(
                turn,
                prompt=turn.prompt if turn.prompt == TASK else (100 + place, *turn.prompt),
                completion=tuple(100 * (place + 1) + each for each in turn.completion),
                action=f"{place}{turn.action}",
                state_key=f"{place} {turn.state_key}",
            )
            for turn in run.turns
        )
        runs.append(msgspec.structs.replace(run, turns=turns))
    return msgspec.structs.replace(group, trajectories=tuple(runs))


def credited(group: Group, estimator: Any = None, *modifiers: Any) -> Credit:
    settings = CreditSettings() if estimator is None else CreditSettings(estimator=estimator)
    return credit_of(msgspec.structs.replace(settings, modifiers=modifiers))(group)


def flat(values: PerTurn) -> list[list[list[float]]]:
    return [[[float(value) for value in turn] for turn in member] for member in values]


def same(one: PerTurn, other: PerTurn) -> bool:
    """Whether two are equal but for rounding."""
    return all(
        np.allclose(a, b, rtol=1e-9, atol=1e-12)
        for first, second in zip(one, other, strict=True)
        for a, b in zip(first, second, strict=True)
    )


def groups(*, least: int = 2) -> st.SearchStrategy[Group]:
    """Groups whose runs often begin alike, with a few rewards; each ends with the action z, as with a submission."""
    run = st.tuples(st.text("abc", min_size=1, max_size=3), st.sampled_from([0.0, 1.0, -0.5]))
    return st.lists(run, min_size=least, max_size=6).map(
        lambda runs: a_group([f"{word}z" for word, _ in runs], [reward for _, reward in runs])
    )
