"""GiGPO and HGPO: turns that were taken in the same state are compared with each other, too."""

from collections import defaultdict
from collections.abc import Hashable

from rl_trainer.credit.credit import Credit, ones, spread
from rl_trainer.credit.settings import NestedStateGroups, Scale, StateGroups
from rl_trainer.credit.statistics import centred, standardised
from rl_trainer.errors import CreditImpossible
from rl_trainer.trajectory import Group, Trajectory


def state_groups(group: Group, settings: StateGroups) -> Credit:
    """A = A_E + omega * A_S. A_E compares runs, A_S the discounted returns of turns that share their state.

    R_t = gamma^(T-t) * R; A_S = (R_t - mean) / (std + delta) over all (member, turn) of one state; alone it is 0.
    scale none: both without std ("mean_norm"). Source: GiGPO (arXiv 2505.10978). A gamma below 1 makes long ways worth
    less, so that it can teach to leave out tests; 1 is safe.

    Raises:
        CreditImpossible: a turn has no state key.
    """
    nested = NestedStateGroups(history=0, gamma=settings.gamma, omega=settings.omega, scale=settings.scale)
    return nested_state_groups(group, nested)


def nested_state_groups(group: Group, settings: NestedStateGroups) -> Credit:
    """A = A_E + omega * sum_k w_k A_k, k = 0..K: level k compares turns with the same state and the same last k steps.

    w_k = (k+1)^alpha / sum (k+1)^alpha: alpha 0 weighs all levels alike, a large one the finest. A step of the history
    is its tool and the state it was taken in. Source: HGPO (arXiv 2602.22817); mends "same state, another history".

    Raises:
        CreditImpossible: a turn has no state key.
    """
    _require_states(group)
    raw = [(level + 1.0) ** settings.alpha for level in range(settings.history + 1)]
    levels = [_compared(group, level, settings) for level in range(settings.history + 1)]
    runs = _scaled(list(group.rewards), settings.scale)

    def step(member: int, turn: int) -> float:
        return sum(weight / sum(raw) * level[member][turn] for weight, level in zip(raw, levels, strict=True))

    advantages = [
        [run + settings.omega * step(member, turn) for turn in range(len(group.trajectories[member].turns))]
        for member, run in enumerate(runs)
    ]
    return Credit(advantages=spread(group, advantages), weights=ones(group))


def _compared(group: Group, history: int, settings: NestedStateGroups) -> list[list[float]]:
    """Each turn's return against those of the turns with the same state and history."""
    out = [[0.0] * len(trajectory.turns) for trajectory in group.trajectories]
    together: dict[Hashable, list[tuple[int, int]]] = defaultdict(list)
    for member, trajectory in enumerate(group.trajectories):
        for turn, key in enumerate(_keys(trajectory, history)):
            together[key].append((member, turn))
    for places in together.values():
        returns = [
            settings.gamma ** (len(out[member]) - 1 - turn) * group.trajectories[member].reward
            for member, turn in places
        ]
        for (member, turn), value in zip(places, _scaled(returns, settings.scale), strict=True):
            out[member][turn] = value
    return out


def _scaled(values: list[float], scale: Scale) -> list[float]:
    return standardised(values) if scale == "std" else centred(values)


def _keys(trajectory: Trajectory, history: int) -> list[Hashable]:
    """State and purpose, and the last steps that led there; a start that is nearer than `history` is part of them."""
    steps = [(turn.action.partition(" ")[0], turn.state_key) for turn in trajectory.turns]
    return [
        (turn.purpose, turn.state_key, tuple(steps[max(0, place - history) : place]))
        for place, turn in enumerate(trajectory.turns)
    ]


def _require_states(group: Group) -> None:
    for trajectory in group.trajectories:
        for place, turn in enumerate(trajectory.turns):
            if not turn.state_key:
                raise CreditImpossible(
                    f"gigpo and hgpo compare states, and turn {place} of run {trajectory.member} on task "
                    f"{group.task_id!r} has no state key: its environment gives none (World.state_key); "
                    "choose tempo, or the estimator group with the modifier lambda"
                )
