"""A story, history, log or correspondence: who and what there is, how they stand now, and what happened when."""

from dataclasses import dataclass


@dataclass
class Entity:
    """A person, group, place, service or object"""

    kind: str
    state: dict[str, str]  # a property -> how it is now; update it when it changes
    relations: dict[str, str]  # another entity -> what ties them


@dataclass
class Happening:
    """One thing that happened"""

    when: str | None  # as the text says it
    what: str  # in one sentence, with the names
    why: str | None


@dataclass
class Memory:
    """What has happened so far"""

    entities: dict[str, Entity]  # by full name
    events: list[Happening]  # in the order in which they happen
    threads: dict[str, str]  # open questions of the story -> how they stand
