"""Files of servers that are known by description only, and of queries labelled with the server that they need.

server_cards.jsonl[.gz]            name, summary
catalogue_servers.jsonl[.gz]       server, title, overview
mcpm_servers.queries.jsonl[.gz]    query_id, query, relevant_servers: [server]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from retrieval.bench.rows import find_file, read_rows
from retrieval.card import ServerCard
from retrieval.errors import LabelledDataWrong

CARDS_FILE = "server_cards.jsonl"
CATALOGUE_FILE = "catalogue_servers.jsonl"
QUERIES_FILE = "mcpm_servers.queries.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerQuery:
    """A request and the one server that it was written for."""

    query_id: str
    text: str
    server: str


class _CardRow(msgspec.Struct):
    name: str
    summary: str = ""


class _CatalogueRow(msgspec.Struct):
    server: str
    title: str | None = None
    overview: str | None = None


class _QueryRow(msgspec.Struct):
    query_id: str
    query: str
    relevant_servers: list[str]


def read_cards(path: Path) -> list[ServerCard]:
    """Names and summaries as cards, each name once, in the file's order."""
    cards: dict[str, ServerCard] = {}
    for place, row in read_rows(path, _CardRow):
        card = _card(place, row.name, None, row.summary)
        cards.setdefault(card.name, card)
    return list(cards.values())


def read_catalogue(path: Path) -> list[ServerCard]:
    """Servers of a catalogue as cards; where a server stands there twice, its first row."""
    cards: dict[str, ServerCard] = {}
    for place, row in read_rows(path, _CatalogueRow):
        card = _card(place, _without_slash(row.server), row.title, row.overview or "")
        cards.setdefault(card.name, card)
    return list(cards.values())


def read_server_queries(path: Path, there: Sequence[ServerCard]) -> list[ServerQuery]:
    """The queries that need one server, and one that is there."""
    names = {card.name for card in there}
    wanted = [
        (row, [_without_slash(server) for server in row.relevant_servers]) for _, row in read_rows(path, _QueryRow)
    ]
    return [
        ServerQuery(query_id=row.query_id, text=row.query, server=servers[0])
        for row, servers in wanted
        if len(servers) == 1 and servers[0] in names
    ]


def find_data(name: str, folder: Path) -> Path | None:
    """A file of the folder or of the one above it, gzipped or not."""
    return find_file(name, [folder, folder.resolve().parent])


def missing(name: str, folder: Path) -> LabelledDataWrong:
    """The error that says which file is wanted, and where."""
    return LabelledDataWrong(
        f"{name}[.gz] is neither in {folder.resolve()} nor in the folder above it; name the folder with --data "
        "(docs/bench-retrieval.md has the fields)"
    )


def _card(place: str, name: str, title: str | None, description: str) -> ServerCard:
    try:
        return ServerCard(name=name, title=title, description=description)
    except ValueError as error:
        raise LabelledDataWrong(f"{place}: {error}") from error


def _without_slash(server: str) -> str:
    """Catalogues name servers `owner/name`; here a slash would make it a tool."""
    return server.replace("/", ".")
