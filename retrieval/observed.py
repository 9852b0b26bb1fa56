"""Which tool fed which in runs that succeeded: edges mined from calls, their arguments and their results."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retrieval.dependencies import Edge
from retrieval.tool import ToolId

_SHORT = 3
"""Shorter texts, and numbers below ten thousand, are alike by chance too often."""

_SMALL = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that succeeded: what was given, and what came back as JSON.

    Example:
        Call(tool="github/search_repos", arguments={"query": "mcp"}, result=[{"repo_id": 77120}])
    """

    tool: ToolId
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    result: Any = None


def observed(runs: Iterable[Sequence[Call]], *, least: int = 1) -> list[Edge]:
    """The edges of runs, each a list of calls in the order they were made; nothing of their values is kept.

    An edge stands where an argument is a value of an earlier result, and not of an earlier argument: what the caller
    knew already was not fed by anyone. Its weight is n / (n + 1) for n runs that have it; `least` is the fewest.
    """
    counts: Counter[tuple[ToolId, ToolId, str]] = Counter()
    for run in runs:
        counts.update(set(_fed(run)))
    return [
        Edge(producer=producer, consumer=consumer, value=value, weight=count / (count + 1))
        for (producer, consumer, value), count in sorted(counts.items())
        if count >= least
    ]


def _fed(run: Sequence[Call]) -> Iterator[tuple[ToolId, ToolId, str]]:
    yielded: dict[object, ToolId] = {}
    known: set[object] = set()
    for call in run:
        given = {name: set(_telling(value)) for name, value in call.arguments.items()}
        for name, values in given.items():
            for producer in {yielded[value] for value in values if value in yielded and value not in known}:
                if producer != call.tool:
                    yield producer, call.tool, name
        # A value that was yielded is known from its source on: only what was given first was the caller's own.
        known.update(value for values in given.values() for value in values if value not in yielded)
        for value in _telling(call.result):
            yielded.setdefault(value, call.tool)


def _telling(value: object) -> Iterator[object]:
    """The texts and numbers inside a JSON value that are not alike by chance; numbers as text, as models give them."""
    match value:
        case bool():
            return
        case str() if len(value) > _SHORT:
            yield value
        case int() if abs(value) >= _SMALL:
            yield str(value)
        case float() if not value.is_integer():
            yield str(value)
        case Mapping():
            for each in value.values():  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
                yield from _telling(each)  # pyright: ignore[reportUnknownArgumentType]
        case list():
            for each in value:  # pyright: ignore[reportUnknownVariableType]
                yield from _telling(each)  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return
