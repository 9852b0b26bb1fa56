"""`Task`: something to be done in a world, and what its reward may look at."""

from typing import Any

import msgspec


class Task(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One problem. The agent is told the goal; what stands in `data` only the environment and the reward see.

    environment: the name of the environment that opens it (rl_trainer/environments). kind: the kind of its bug, or
    what else success should be counted by. group: tasks of one origin (a repository, an exercise) share it, so that
    splits never part them. source and licence: where it comes from.
    """

    id: str
    goal: str
    environment: str
    kind: str = ""
    group: str = ""
    source: str = ""
    licence: str = ""
    data: dict[str, Any] = {}
