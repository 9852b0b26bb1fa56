"""What can be called comes first: the one order of hits for the gateway and the command line."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from retrieval.hit import Hit
from retrieval.multi import Search

WIDER = 2
"""So many times the hits asked for are looked at, so that what can be called may move up."""

_NOT_CALLABLE = 0.85


def prefer_callable(hits: Sequence[Hit], startable: Collection[str]) -> list[Hit]:
    """The hits in the order to show them in; what has no server to start counts a little less, unless nothing has.

    Example:
        [copy/log .60, git/log .58, other/x .20], startable {"git"} -> [git/log .58, copy/log .51, other/x .17]
    """
    if not any(hit.server in startable for hit in hits):
        return list(hits)
    weighed = [hit if hit.server in startable else replace(hit, score=hit.score * _NOT_CALLABLE) for hit in hits]
    return sorted(weighed, key=lambda hit: -hit.score)


def preferring_callable(search: Search, startable: Collection[str]) -> Search:
    """The same search with what can be called first: each query of several is put in order before they are merged."""

    def preferring(query: str, k: int) -> list[Hit]:
        return prefer_callable(search(query, WIDER * k), startable)[:k]

    return preferring
