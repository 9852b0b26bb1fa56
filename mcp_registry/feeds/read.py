"""`read_feed`: recognises what a file holds by its content, and reads it. Nothing is started."""

from pathlib import Path
from typing import Any

from mcp_registry.errors import BadImport
from mcp_registry.feeds import Feed
from mcp_registry.feeds.basket import Basket
from mcp_registry.feeds.cards import add_card, is_card
from mcp_registry.feeds.catalogue import add_catalogue_server, is_catalogue
from mcp_registry.feeds.clients import add_servers, sections
from mcp_registry.feeds.mcpcorpus import add_corpus, is_corpus
from mcp_registry.feeds.official import add_official, is_official
from mcp_registry.feeds.text import Document, read_document
from mcp_registry.feeds.tools import add_tools, is_tool, listed_tools

# What a record is, by the first that fits.
_RECORDS = {
    "MCPCorpus": is_corpus,
    "official registry": is_official,
    "server catalogue": is_catalogue,
    "tool definitions": is_tool,
    "server cards": is_card,
}
KNOWN_FORMS = (
    "a client's configuration (mcpServers; VS Code's servers; Zed, Amp, OpenCode, Codex)",
    "tool definitions (JSON Lines with server, name, description, input_schema; or a tools/list result)",
    "MCPCorpus (cleaned list or raw crawl)",
    "a server catalogue (mcpm, Docker, Toucan)",
    "the official registry's server.json",
    "server cards (name, summary)",
)


def read_feed(path: Path) -> Feed:
    """The servers, offers and tools of a file, gzipped or not. One entry that is bad is told of, and stops no other.

    Servers come from a client's own configuration; the operator enabled them there. What a catalogue lists becomes
    offers. Literal secrets are not kept: see `Feed.notes` for the variables to export.

    Raises:
        BadImport: the file cannot be read, or is in none of the known forms.
    """
    document = read_document(path)
    basket = Basket()
    for problem in document.problems:
        basket.problem(problem)
    if found := sections(document):
        add_servers(document, basket)
        return basket.feed(f"client configuration ({', '.join(found)})")
    if listed := listed_tools(document):
        server, entries = listed
        add_tools(((f"tool {number}", entry) for number, entry in enumerate(entries, start=1)), server, basket)
        return basket.feed("tools/list result")
    forms = _add_records(_unwrapped(document), basket)
    if not forms:
        raise BadImport(f"{path} holds nothing that can be imported. Known forms: {'; '.join(KNOWN_FORMS)}")
    return basket.feed(", ".join(forms))


def _unwrapped(document: Document) -> Document:
    """A registry's answer as the list of its servers."""
    value = document.value
    servers: Any = value.get("servers") if isinstance(value, dict) else None
    if not isinstance(servers, list):
        return document
    return Document(path=document.path, value=servers, problems=document.problems)


def _add_records(document: Document, basket: Basket) -> list[str]:
    sorted_out: dict[str, list[tuple[str, Any]]] = {}
    for where, record in document.records():
        form = _form_of(record)
        if form is None:
            basket.left_out("they are in no known form", where)
        else:
            sorted_out.setdefault(form, []).append((where, record))
    for form, records in sorted_out.items():
        _add_form(form, records, document, basket)
    return list(sorted_out)


def _form_of(record: object) -> str | None:
    if not isinstance(record, dict):
        return None
    return next((form for form, fits in _RECORDS.items() if fits(record)), None)


def _add_form(form: str, records: list[tuple[str, Any]], document: Document, basket: Basket) -> None:
    match form:
        case "MCPCorpus":
            add_corpus(records, basket)
        case "official registry":
            add_official(records, basket)
        case "server catalogue":
            for _, record in records:
                add_catalogue_server(record, basket)
        case "tool definitions":
            add_tools(records, document.stem, basket)
        case _:
            for _, record in records:
                add_card(record, document.stem, basket)
