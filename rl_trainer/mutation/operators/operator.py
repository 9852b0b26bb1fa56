"""`Operator`: one way of making a bug."""

from collections.abc import Iterator
from typing import Protocol

from rl_trainer.mutation.source import Edit, Source


class Operator(Protocol):
    """All places of a module where its bug could be made, each as the edit that makes it; in the order of the text."""

    __name__: str

    def __call__(self, source: Source, /) -> Iterator[Edit]: ...
