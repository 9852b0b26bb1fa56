"""Several queries, one list: every query gets its share, and what several find stands once."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from retrieval.clauses import clauses
from retrieval.hit import Hit

Search = Callable[[str, int], Sequence[Hit]]
"""A query and k -> its k best hits, best first."""

LEAST_CLAUSES = 3
"""Requests of fewer clauses are searched as they stand: two sentences often say one thing (decision 007)."""

_MOST_CLAUSES = 8
"""A longer text is more likely one that was pasted than a list of steps, and each clause costs a search."""

_DEPTH = 3
"""How many times k hits of each clause are looked at."""


def search_many(search: Search, queries: str | Sequence[str], k: int) -> list[Hit]:
    """The k best hits for one query (see `search_steps`) or for several, one for each step of a task.

    Example:
        search_many(index.search, ["exchange rate of the euro", "send a mail"], 6)
    """
    if isinstance(queries, str):
        return search_steps(search, queries, k)
    asked = list(dict.fromkeys(query for query in queries if query.strip()))
    if len(asked) == 1:
        return search_steps(search, asked[0], k)
    return merge([search(query, k) for query in asked], k)


def search_steps(search: Search, request: str, k: int) -> list[Hit]:
    """The k best hits for one request, its clauses searched beside the whole when there are three to eight.

    Each clause costs one search more.
    """
    steps = clauses(request)
    if not LEAST_CLAUSES <= len(steps) <= _MOST_CLAUSES:
        return list(search(request, k))
    return combine(search(request, _DEPTH * k), [search(step, _DEPTH * k) for step in steps], k)


def merge(lists: Sequence[Sequence[Hit]], k: int) -> list[Hit]:
    """The k first hits of several lists by turns: the best of each, by score, then the second of each, and so on.

    A hit that stands in several lists comes where it comes first, with its best score.
    """
    best = _best(lists)
    merged: dict[str, Hit] = {}
    for place in range(max(map(len, lists), default=0)):
        turn = [hits[place] for hits in lists if place < len(hits)]
        for hit in sorted(turn, key=lambda hit: (-hit.score, hit.id)):
            merged.setdefault(hit.id, best[hit.id])
        if len(merged) >= k:
            break
    return list(merged.values())[:k]


def combine(whole: Sequence[Hit], parts: Sequence[Sequence[Hit]], k: int) -> list[Hit]:
    """The k best hits of a request and of its parts, by the mean of the request's score and of the best part's.

    The best hit of each part has a place among them, as far as there are places. A list that does not have a hit
    scores it 0.
    """
    of_whole = {hit.id: hit.score for hit in whole}
    of_parts = _best(parts)
    every = {**of_parts, **{hit.id: hit for hit in whole}}
    scored = [
        replace(hit, score=(of_whole.get(id_, 0.0) + (of_parts[id_].score if id_ in of_parts else 0.0)) / 2)
        for id_, hit in every.items()
    ]
    scored.sort(key=lambda hit: (-hit.score, hit.id))
    reserved = set(list(dict.fromkeys(part[0].id for part in parts if part))[:k])
    free = k - len(reserved)
    chosen: list[Hit] = []
    for hit in scored:
        if hit.id in reserved:
            chosen.append(hit)
        elif free > 0:
            chosen.append(hit)
            free -= 1
    return chosen


def _best(lists: Sequence[Sequence[Hit]]) -> dict[str, Hit]:
    """Each id's hit with the highest score."""
    best: dict[str, Hit] = {}
    for hits in lists:
        for hit in hits:
            if hit.id not in best or hit.score > best[hit.id].score:
                best[hit.id] = hit
    return best
