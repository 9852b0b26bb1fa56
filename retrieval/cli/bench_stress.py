"""`quartermaster bench stress`: one server among N, for N up to 11,111."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from retrieval.bench.conditions import machine
from retrieval.bench.grid import COUNTS, POSITIONS, Opener
from retrieval.bench.grid_report import GridFigures, plain, report
from retrieval.bench.plots import draw_grid, require_plots
from retrieval.bench.server_cards import (
    CARDS_FILE,
    CATALOGUE_FILE,
    QUERIES_FILE,
    ServerQuery,
    find_data,
    missing,
    read_cards,
    read_catalogue,
    read_server_queries,
)
from retrieval.bench.stress import labelled_servers_grid, web_search_grid
from retrieval.bench.web_search import KEY_SERVER
from retrieval.card import ServerCard
from retrieval.cli.bench_options import (
    MODEL,
    SEED,
    WORK,
    DataOption,
    JsonOption,
    ModelOption,
    OutOption,
    PlotsOption,
    SeedOption,
    ThreadsOption,
    WorkOption,
    embedder_of,
    numbers,
    strategy_names,
)
from retrieval.cli.bench_output import print_figures, write_report
from retrieval.cli.progress import note, step
from retrieval.embedding import Embedder
from retrieval.strategies.opened import open_strategy
from retrieval.strategies.strategy import Strategy


def stress(
    data: DataOption = Path(),
    cards: Annotated[
        Path | None, typer.Option("--cards", help=f"The servers: name, summary (default: {CARDS_FILE}[.gz] there).")
    ] = None,
    key: Annotated[str, typer.Option("--key", help="The web-search server to be found.")] = KEY_SERVER,
    strategy: Annotated[str, typer.Option("--strategy", help="One of those of `bench retrieval`.")] = "hybrid",
    counts: Annotated[
        str | None, typer.Option("--counts", help="Numbers of servers, in commas (default: the paper's, and 11111).")
    ] = None,
    seed: SeedOption = SEED,
    out: OutOption = None,
    plots: PlotsOption = True,
    json: JsonOption = False,
    work: WorkOption = WORK,
    model: ModelOption = MODEL,
    threads: ThreadsOption = 0,
) -> None:
    """The RAG-MCP stress test without its LLM: how often the right server comes first among 1 to 11,111."""
    (name,) = strategy_names([strategy], ())
    columns = numbers(counts, "--counts") if counts else COUNTS
    plots = plots and out is not None
    if plots:
        require_plots()
    conditions = [machine()]
    servers = _cards(data, cards)
    labelled = _labelled(data, servers)
    embedder = embedder_of(model, threads)
    opener = _opener(name, embedder, work.expanduser() / "servers")
    trials = len(columns) * len(POSITIONS)
    with step(f"web-search tasks, {name}", trials) as tell:
        grids = [web_search_grid(_told(opener, tell), servers, key, columns, seed=seed)]
    if labelled is not None:
        everyone, queries = labelled
        with step(f"labelled requests, {name}", trials) as tell:
            grids.append(labelled_servers_grid(_told(opener, tell), everyone, queries, columns, seed=seed))
    conditions += [f"strategy {name}, model {embedder.id}", f"seed {seed}"]
    _give(grids, conditions, out=out, plots=plots, json=json)


def _give(
    grids: Sequence[GridFigures], conditions: Sequence[str], *, out: Path | None, plots: bool, json: bool
) -> None:
    results = {"conditions": conditions, "grids": [plain(figures) for figures in grids]}
    if json:
        print_figures(results)
    else:
        typer.echo(report(grids, conditions, plots=False), nl=False)
    if out is not None:
        write_report(out, "stress", report(grids, conditions, plots=plots), results)
        for figures in grids if plots else ():
            draw_grid(figures, out / f"{figures.name}.png")


def _cards(data: Path, given: Path | None) -> list[ServerCard]:
    found = given or find_data(CARDS_FILE, data)
    if found is None:
        raise missing(CARDS_FILE, data)
    return read_cards(found)


def _labelled(data: Path, cards: Sequence[ServerCard]) -> tuple[list[ServerCard], list[ServerQuery]] | None:
    """The catalogue's servers and all other cards, and the requests; None, and a note, where a file is missing."""
    catalogue, queries = find_data(CATALOGUE_FILE, data), find_data(QUERIES_FILE, data)
    if catalogue is None or queries is None:
        name = CATALOGUE_FILE if catalogue is None else QUERIES_FILE
        note(f"labelled requests are left out: {missing(name, data)}")
        return None
    known = read_catalogue(catalogue)
    names = {card.name for card in known}
    return [*known, *(card for card in cards if card.name not in names)], read_server_queries(queries, known)


def _opener(name: str, embedder: Embedder, folder: Path) -> Opener:
    def opened(cards: Sequence[ServerCard]) -> Strategy:
        return open_strategy(name, (), cards=cards, embedder=embedder, folder=folder)

    return opened


def _told(opener: Opener, tell: Callable[[int], None]) -> Opener:
    """The same opener, which tells how many haystacks it has opened."""
    done = 0

    def opened(cards: Sequence[ServerCard]) -> Strategy:
        nonlocal done
        done += 1
        tell(done)
        return opener(cards)

    return opened
