"""`Turn`, `Trajectory` and `Group`: what a policy wrote, to the token, and what came of it."""

import msgspec

from agent.llm import Purpose


class TurnInvalid(ValueError):
    """A turn whose log-probabilities do not belong to its tokens."""


class Turn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call of the policy: the ids it was given and the ids that it sampled, both verbatim.

    logprobs: of each sampled id, as the sampler had them (natural log, at the temperature that was sampled with).
    entropies: of the distribution that each id was drawn from, in nats, where the engine gives it; otherwise empty.
    versions: the policy's version for each sampled id where it changed on the way; otherwise `version` holds for all.
    malformed: no action could be read from it, and the agent was told so. action: the action as canonical text.
    state_key: a hash of the world's state before it. score: the share of hidden tests that pass after it, where it was
    measured. value: the mean outcome of runs that were continued from before it, where there were any
    (rl_trainer/forks.py). parent: the turn (its place) whose prompt and completion this prompt goes on from; -1 for
    none.
    """

    prompt: tuple[int, ...]
    completion: tuple[int, ...]
    logprobs: tuple[float, ...]
    version: int = 0
    purpose: Purpose = Purpose.ACT
    finish: str = "stop"
    entropies: tuple[float, ...] = ()
    versions: tuple[int, ...] = ()
    malformed: bool = False
    action: str = ""
    state_key: str = ""
    score: float | None = None
    value: float | None = None
    parent: int = -1
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.logprobs) != len(self.completion):
            raise TurnInvalid(f"{len(self.completion)} sampled ids, but {len(self.logprobs)} log-probabilities")
        for name, values in (("entropies", self.entropies), ("versions", self.versions)):
            if values and len(values) != len(self.completion):
                raise TurnInvalid(f"{len(self.completion)} sampled ids, but {len(values)} {name}")


class Trajectory(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run of the agent on one task: its turns in the order of the calls, and its scores.

    member: its place in its group. rewards: every part by name; `reward` is their sum. passed: what the grader said.
    status: the run's (`agent.options.Status`). infra: why the world failed, not the agent; such a run is neither
    rewarded nor learnt from. facts: counts of what was done (tests run, edits, submitted, gave_up, ...).
    texts: what each turn said, for people. truncated: a budget ended it before it was done.
    """

    task_id: str
    member: int
    turns: tuple[Turn, ...]
    kind: str = ""
    rewards: dict[str, float] = {}
    passed: bool = False
    share: float = 0.0
    status: str = "done"
    infra: str = ""
    facts: dict[str, float] = {}
    texts: tuple[str, ...] = ()
    observations: tuple[str, ...] = ()
    run_id: str = ""
    seed: int = 0
    seconds: float = 0.0
    truncated: bool = False

    @property
    def reward(self) -> float:
        """The sum of its parts: R_final."""
        return sum(self.rewards.values())

    @property
    def tokens(self) -> int:
        """How many tokens the policy sampled."""
        return sum(len(turn.completion) for turn in self.turns)

    @property
    def versions(self) -> frozenset[int]:
        """The versions of the policy that had a hand in it."""
        return frozenset(version for turn in self.turns for version in (turn.versions or (turn.version,)))


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The siblings of one task: what an advantage compares. iteration: when they were rolled out."""

    task_id: str
    trajectories: tuple[Trajectory, ...]
    iteration: int = 0

    @property
    def rewards(self) -> tuple[float, ...]:
        return tuple(each.reward for each in self.trajectories)

    @property
    def solved(self) -> float:
        """The share that passed."""
        return sum(each.passed for each in self.trajectories) / max(1, len(self.trajectories))
