"""What the hits need beside themselves: producers of required values take a place after their consumer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from retrieval.dependencies import Edge
from retrieval.hit import Hit
from retrieval.tool import ToolId

Needs = Mapping[ToolId, Sequence[tuple[ToolId, float]]]
"""Of each consumer its producers, the surest first."""


def needs_of(edges: Iterable[Edge]) -> Needs:
    """The edges by consumer."""
    found: dict[ToolId, list[tuple[ToolId, float]]] = defaultdict(list)
    for edge in edges:
        found[edge.consumer].append((edge.producer, edge.weight))
    return {consumer: sorted(of, key=lambda pair: (-pair[1], pair[0])) for consumer, of in found.items()}


def closure(hits: Sequence[Hit], needs: Needs, k: int, *, budget: int = 2, seeds: int = 3) -> list[Hit]:
    """The k first of the hits, with at most `budget` producers that the `seeds` best of them need and that stand lower.

    A producer is taken only from `hits`, which may be longer than k: among a consumer's producers the one with the
    highest weight times score is taken, and what the search did not find at all is not needed for this request. Off by
    default: it was measured to help on one set and to hurt on another (docs/decisions/007-sets.md).
    """
    by_id = {hit.id: hit for hit in hits}
    place = {hit.id: number for number, hit in enumerate(hits)}
    chosen = {hit.id for hit in hits[:k]}
    after: dict[ToolId, list[Hit]] = defaultdict(list)
    left = budget
    for hit in hits[:seeds]:
        candidates = [(weight * by_id[id_].score, id_) for id_, weight in needs.get(hit.id, ()) if id_ in by_id]
        if left <= 0 or not candidates or any(id_ in chosen for _, id_ in candidates):
            continue
        _, best = max(candidates, key=lambda pair: (pair[0], -place[pair[1]]))
        after[hit.id].append(by_id[best])
        chosen.add(best)
        left -= 1
    return [one for hit in hits[:k] for one in (hit, *after[hit.id])][:k]
