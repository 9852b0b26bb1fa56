"""What is searched of one tool or server card, and how a request's score comes about."""

from typing import Any

from mcp_registry.catalogue import Catalogue, open_catalogue
from mcp_registry.cli.console import embedding_progress, note, show, table
from mcp_registry.errors import UnknownTool
from mcp_registry.home import Home
from mcp_registry.indexing import reconcile
from mcp_registry.settings import load_settings
from retrieval.card import ServerCard
from retrieval.document import passage_of, weighted_words
from retrieval.embedders import open_embedder
from retrieval.index import open_index
from retrieval.question_store import QuestionStore
from retrieval.tool import ToolSpec
from retrieval.words import written

_DEPTH = 1000
"""How far down a list a thing is looked for."""


def explain(home: Home, id_: str, query: str | None) -> dict[str, Any]:
    """Passage, weighted words and questions of a tool or a card; with a query its place, score and signals.

    Raises:
        UnknownTool: there is no such tool and no such card; the message has the nearest.
    """
    with open_catalogue(home.database_url) as catalogue:
        thing = _thing(catalogue, id_)
        words = weighted_words(thing)
        found: dict[str, Any] = {
            "id": id_,
            "passage": passage_of(thing),
            "words": dict(sorted(words.items(), key=lambda entry: -entry[1])),
            "questions": QuestionStore(home.questions).by_writer(thing) if isinstance(thing, ToolSpec) else {},
        }
        if query is not None:
            found["query"] = _explained(home, catalogue, id_, query, words)
    return found


def _thing(catalogue: Catalogue, id_: str) -> ToolSpec | ServerCard:
    thing = catalogue.tool(id_) if "/" in id_ else catalogue.cards([id_]).get(id_)
    if thing is None:
        near = ", ".join(map(repr, catalogue.nearest(id_)))
        raise UnknownTool(f"no tool or offered server {id_!r}" + (f"; nearest: {near}" if near else ""))
    return thing


def _explained(home: Home, catalogue: Catalogue, id_: str, query: str, words: dict[str, float]) -> dict[str, Any]:
    settings = load_settings(home)
    embedder = open_embedder(settings.retrieval.model, threads=settings.retrieval.threads or None)
    index = open_index(home.index, embedder, settings.retrieval)
    with embedding_progress() as progress:
        reconcile(index, catalogue, progress)
    hits = index.search(query, _DEPTH)
    place = next((place for place, hit in enumerate(hits, 1) if hit.id == id_), None)
    # Alone it has the same scores as among all: they depend on the request and the whole index.
    own = hits[place - 1] if place else next(iter(index.search(query, 1, allow=id_.__eq__)), None)
    said = written(query)
    return {
        "text": query,
        "place": place,
        "of": len(index),
        "score": round(own.score, 6) if own else None,
        "signals": {name: round(value, 6) for name, value in own.signals.items()} if own else {},
        "words": {word: {"said_as": run, "weight": words.get(word, 0.0)} for word, run in said.items()},
        "first": [{"id": hit.id, "score": round(hit.score, 6)} for hit in hits[:3]],
    }


def print_explained(found: dict[str, Any]) -> None:
    """The same for a person."""
    from rich.text import Text

    show(Text.assemble((found["id"], "bold cyan")))
    show(Text(f"embedded: {found['passage']}"))
    shown = ", ".join(f"{word} {weight:g}" for word, weight in list(found["words"].items())[:40])
    show(Text(f"words: {shown}"))
    for writer, questions in found["questions"].items():
        show(Text(f"questions by {writer}:\n" + "\n".join(f"  {question}" for question in questions)))
    if not found["questions"] and "/" in found["id"]:
        note("no questions yet: quartermaster retrieval questions")
    if "query" in found:
        _print_query(found["query"])


def _print_query(query: dict[str, Any]) -> None:
    from rich.text import Text

    place = f"place {query['place']:,}" if query["place"] else f"not among the first {_DEPTH:,}"
    score = "no score" if query["score"] is None else f"score {query['score']:.3f}"
    show(Text(f"\n“{query['text']}”: {place} of {query['of']:,}, {score}"))
    rows = table("signal", "value")
    for name, value in query["signals"].items():
        rows.add_row(name, f"{value:g}")
    show(rows)
    rows = table("word of the request", "looked up as", "weight in this text")
    for word, entry in query["words"].items():
        rows.add_row(entry["said_as"], word, f"{entry['weight']:g}" if entry["weight"] else "not in it")
    show(rows)
    show(Text("first: " + ", ".join(f"{hit['id']} {hit['score']:.3f}" for hit in query["first"])))
