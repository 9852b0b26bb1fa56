"""What an agent learns while it works on a task with tools: facts, things by their id, what was done, what is open."""

from dataclasses import dataclass


@dataclass
class Thing:
    """Something that tools speak of: a file, an order, a person, a device, an issue"""

    kind: str
    facts: dict[str, str]  # name of a property -> its value, as the tool gave it: ids, amounts, states, dates


@dataclass
class Memory:
    """What the goal needs and tools have shown; no thoughts, no guesses"""

    facts: dict[str, str]  # short name -> what was found out
    things: dict[str, Thing]  # by id or name, exactly as tools write it
    done: list[str]  # what has been changed, with the ids
    problems: list[str]  # what failed and why
    open: list[str]  # what is still to be found out or done
