"""Reading source code, repositories, configuration: which functions and classes there are, where, and what they do."""

from dataclasses import dataclass


@dataclass
class Symbol:
    """A function, class, method, endpoint, table or setting that the question may mean"""

    file: str  # path, as it is written
    signature: str | None
    does: str  # in one sentence
    calls: list[str]  # names that matter to the question


@dataclass
class Memory:
    """The code that the question asks about"""

    symbols: dict[str, Symbol]  # by qualified name
    flows: list[str]  # how one thing leads to another, step by step
    candidates: dict[str, str]  # a possible answer -> what speaks for or against it
