"""The stress grid: one server among N, for N up to 11,111 (RAG-MCP, arXiv 2505.03275, section 3.1 and figure 3)."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.bench.server_cards import ServerQuery
from retrieval.card import ServerCard
from retrieval.strategies.strategy import Strategy

COUNTS = (*range(1, 112, 5), *range(2_111, 10_112, 2_000), 11_111)
"""The paper's numbers of servers, read off its figure, and the 11,111 that its text rounds."""

POSITIONS = tuple(range(0, 100, 10))
"""Where the key server stands in the list, in percent of its length: the paper's other axis."""

LOOKED_AT = 10
"""So many of the first hits are kept."""

Opener = Callable[[Sequence[ServerCard]], Strategy]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Where the key server came in each trial.

    ranks: int[rows, counts, tasks], from 1; 0 is not among the first `LOOKED_AT`. first: the name of the first hit,
    str[rows, counts, tasks], empty when nothing was found.
    """

    rows: tuple[str, ...]
    counts: tuple[int, ...]
    ranks: NDArray[np.int64]
    first: NDArray[np.str_]

    def hits(self, k: int) -> NDArray[np.float64]:
        """float64[rows, counts, tasks]: 1 where the key server is among the first k."""
        return ((self.ranks > 0) & (self.ranks <= k)).astype(np.float64)


def position_grid(
    opened: Opener, key: ServerCard, others: Sequence[ServerCard], tasks: Sequence[str], counts: Sequence[int]
) -> Grid:
    """The key server at ten positions among the first N - 1 others: all else in a column is the same.

    Whatever differs within a column is therefore due to the position alone.
    """
    cells = [
        [
            _asked(opened([*others[:at], key, *others[at : count - 1]]), [(task, key.name) for task in tasks])
            for count in counts
            for at in [round((count - 1) * position / 100)]
        ]
        for position in POSITIONS
    ]
    return _grid([f"{position} %" for position in POSITIONS], counts, cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Queries, each of another server, and all servers in the order in which they become each other's others."""

    queries: tuple[ServerQuery, ...]
    servers: tuple[ServerCard, ...]


def drawn(queries: Sequence[ServerQuery], servers: Sequence[ServerCard], size: int, *, seed: int) -> Draw:
    """At most so many queries and an order of the servers, the same ones for the same seed."""
    dice = random.Random(seed)  # noqa: S311
    found: dict[str, ServerQuery] = {}
    for query in dice.sample(queries, len(queries)):
        found.setdefault(query.server, query)
    return Draw(queries=tuple(found.values())[:size], servers=tuple(dice.sample(servers, len(servers))))


def labelled_grid(opened: Opener, draws: Sequence[Draw], counts: Sequence[int]) -> Grid:
    """Each query's own server among N - 1 others; a row is one draw.

    One haystack serves as many queries as it has room for: their servers are among each other's others.
    """
    cells = [
        [
            [pair for start in range(0, len(draw.queries), count) for pair in _shared(opened, draw, start, count)]
            for count in counts
        ]
        for draw in draws
    ]
    return _grid([f"draw {row}" for row in range(1, len(draws) + 1)], counts, cells)


def _shared(opened: Opener, draw: Draw, start: int, count: int) -> list[tuple[int, str]]:
    group = draw.queries[start : start + count]
    wanted = {query.server for query in group}
    others = [card.name for card in draw.servers if card.name not in wanted]
    chosen = wanted.union(others[: count - len(wanted)])
    haystack = [card for card in draw.servers if card.name in chosen]
    return _asked(opened(haystack), [(query.text, query.server) for query in group])


def _asked(strategy: Strategy, questions: Sequence[tuple[str, str]]) -> list[tuple[int, str]]:
    """For each question and its server: the server's place, and who came first."""
    asked: list[tuple[int, str]] = []
    for text, server in questions:
        found = [hit.id for hit in strategy.search(text, LOOKED_AT)]
        asked.append((found.index(server) + 1 if server in found else 0, found[0] if found else ""))
    return asked


def _grid(rows: Sequence[str], counts: Sequence[int], cells: Sequence[Sequence[Sequence[tuple[int, str]]]]) -> Grid:
    return Grid(
        rows=tuple(rows),
        counts=tuple(counts),
        ranks=np.array([[[rank for rank, _ in cell] for cell in row] for row in cells], dtype=np.int64),
        first=np.array([[[name for _, name in cell] for cell in row] for row in cells], dtype=np.str_),
    )
