"""The two stress grids: the paper's web-search tasks, and requests labelled with the server they were written for."""

import random
from collections.abc import Sequence

import numpy as np

from retrieval.bench.grid import POSITIONS, Opener, drawn, labelled_grid, position_grid
from retrieval.bench.grid_report import GridFigures, Series, moved_cells
from retrieval.bench.server_cards import ServerQuery
from retrieval.bench.web_search import WEB_SEARCH_RULE, is_web_search, web_search_tasks
from retrieval.card import ServerCard
from retrieval.errors import LabelledDataWrong

_TASKS = 20
"""Tasks in a cell, as in the paper."""


def web_search_grid(
    opened: Opener, cards: Sequence[ServerCard], key_server: str, counts: Sequence[int], *, seed: int
) -> GridFigures:
    """One web-search server among N, at ten positions, asked 20 tasks that need a web search.

    Raises:
        LabelledDataWrong: the key server is not among the cards.
    """
    key = next((card for card in cards if card.name == key_server), None)
    if key is None:
        raise LabelledDataWrong(
            f"the key server {key_server!r} is not among the {len(cards):,} cards; name one with --key"
        )
    others = [card for card in cards if card is not key]
    random.Random(seed).shuffle(others)  # noqa: S311
    tasks = web_search_tasks()
    counts = [count for count in counts if count <= len(cards)]
    grid = position_grid(opened, key, others, [task.text for task in tasks], counts)
    searchers = {card.name for card in cards if is_web_search(card)} | {key.name}
    any_first = np.isin(grid.first, list(searchers)).astype(np.float64)
    requests = np.array([task.form == "request" for task in tasks])
    among = len(searchers.intersection(card.name for card in others[: max(counts) - 1]))
    setting = (
        f"Key server: `{key.name}` (“{key.description}”). Of our 20 tasks {int(requests.sum())} say that they want a "
        f"web search, {int((~requests).sum())} only ask a question. The others are real servers drawn at random (seed "
        f"{seed}). At N = {max(counts):,} there are {among} other web-search servers among them, each as right an "
        "answer as the key server; “a web-search server first” counts them too: those whose name or summary matches "
        f"`{WEB_SEARCH_RULE.pattern}`. In {moved_cells(grid):,} of {grid.ranks.size:,} trials the key server's rank "
        "is another than with the same servers and the key server in front."
    )
    series = (
        Series(label="key server first", values=grid.hits(1)),
        Series(label="key server among 5", values=grid.hits(5)),
        Series(label="a web-search server first", values=any_first),
        Series(label="... of tasks that say so", values=any_first[:, :, requests]),
        Series(label="... of bare questions", values=any_first[:, :, ~requests]),
    )
    return GridFigures(
        name="stress_web_search", title="Web-search tasks", setting=setting, grid=grid, series=series, same_tasks=True
    )


def labelled_servers_grid(
    opened: Opener, servers: Sequence[ServerCard], queries: Sequence[ServerQuery], counts: Sequence[int], *, seed: int
) -> GridFigures:
    """Requests written for a server, that server among N; ten draws of 20 requests, each of another server."""
    counts = [count for count in counts if count <= len(servers)]
    draws = [drawn(queries, servers, _TASKS, seed=seed + row) for row in range(len(POSITIONS))]
    grid = labelled_grid(opened, draws, counts)
    setting = (
        f"{len(queries):,} requests labelled with one of {len({query.server for query in queries}):,} servers, over "
        f"{len(servers):,} cards. A row is a draw of {len(draws[0].queries)} requests, each of another server, and of "
        "the order of the others; position plays no part here. Other servers may do as well as the labelled one and "
        "count as wrong, so the figures are lower bounds."
    )
    series = tuple(
        Series(label=f"its server {'first' if k == 1 else f'among {k}'}", values=grid.hits(k)) for k in (1, 3, 5, 10)
    )
    return GridFigures(
        name="stress_labelled", title="Labelled requests", setting=setting, grid=grid, series=series, same_tasks=False
    )
