"""What is shown of groups: nouns that a page, a terminal and JSON share."""

import msgspec


class ShownTokens(msgspec.Struct, frozen=True, kw_only=True):
    """The sampled ids of one turn, in lists of one length; advantages and weights are one value where all are equal.

    credit: advantage times weight, what the objective multiplies each token's ratio with. texts: empty without a
    tokenizer. advantages, weights, credit: empty where no credit can be worked out. entropies: empty where the engine
    gave none.
    """

    ids: tuple[int, ...]
    texts: tuple[str, ...] = ()
    logprobs: tuple[float, ...] = ()
    entropies: tuple[float, ...] = ()
    advantages: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()
    credit: tuple[float, ...] = ()


class ShownTurn(msgspec.Struct, frozen=True, kw_only=True):
    """One turn. node: the tree's, after it. shared: so many of the group's runs are the same up to and with it."""

    said: str
    action: str
    observation: str
    purpose: str
    finish: str
    malformed: bool
    node: int
    shared: int
    version: int
    tokens: ShownTokens
    score: float | None = None
    value: float | None = None


class ShownRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a group. infra: why its world broke; it is not learnt from."""

    member: int
    passed: bool
    share: float
    reward: float
    rewards: dict[str, float]
    status: str
    truncated: bool
    infra: str
    facts: dict[str, float]
    turns: tuple[ShownTurn, ...]


class ShownNode(msgspec.Struct, frozen=True, kw_only=True):
    """A prefix of the group's runs. parent: -1 for the root. members, ends: runs that pass through it, that end there.

    reward: the mean of its members'.
    """

    parent: int
    depth: int
    label: str
    malformed: bool
    members: tuple[int, ...]
    ends: tuple[int, ...]
    reward: float


class ShownGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group. opening: what the policy was given at the beginning. no_credit: why there is none, or nothing."""

    task_id: str
    kind: str
    iteration: int
    solved: float
    opening: str
    nodes: tuple[ShownNode, ...]
    runs: tuple[ShownRun, ...]
    no_credit: str = ""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """Groups that were opened together. credit: how it was given, in words. notes: what the reader must know."""

    title: str
    credit: str
    notes: tuple[str, ...]
    groups: tuple[ShownGroup, ...]
