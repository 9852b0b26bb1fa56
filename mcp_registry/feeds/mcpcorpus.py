"""MCPCorpus (arXiv 2506.23474): its cleaned list and its raw crawl of mcp.so.

The crawl is dirty. A text such as `$2b` points into a page that was not kept, and stands for nothing; texts were once
decoded with the wrong encoding; JSON stands inside strings; one server comes under several links (`?tab=comments`).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

from mcp_registry.feeds.basket import Basket
from mcp_registry.feeds.launch import NoTransport, offered, read_entry, split_command
from mcp_registry.feeds.placeholder import Blanks
from mcp_registry.feeds.text import parse_json
from mcp_registry.offer import LaunchOption
from mcp_registry.server import Http

_DANGLING = re.compile(r"\$[0-9A-Za-z]{0,4}")
_TEXTS = (
    *("name", "title", "description", "summary", "author_name"),
    *("category", "type", "url", "server_command", "sse_url"),
)
_SOURCE = "MCPCorpus"


def is_corpus(record: Mapping[str, Any]) -> bool:
    """True for a record of either form."""
    return "href" in record or ("server_config" in record and "server_command" in record)


def add_corpus(records: Iterable[tuple[str, Mapping[str, Any]]], basket: Basket) -> None:
    """Add every server as an offer; the links of one server become one."""
    merged: dict[str, dict[str, Any]] = {}
    for _, record in records:
        flat = _flat(record)
        known = merged.setdefault(flat["key"], flat)
        if known is not flat:
            basket.kept("listed more than once, and merged", flat["name"])
            known.update({key: value for key, value in flat.items() if known.get(key) is None})
    for flat in merged.values():
        _add_server(flat, basket)


def _add_server(flat: Mapping[str, Any], basket: Basket) -> None:
    config = flat.get("server_config")
    if flat.get("type") == "client" and not config:
        basket.left_out("they are clients, and only servers can be launched", flat["name"])
        return
    basket.add_offer(
        f"{flat['author']}/{flat['name']}" if flat.get("author") else flat["name"],
        source=_SOURCE,
        card={
            "title": flat.get("title"),
            "description": flat.get("description") or flat.get("summary"),
            "tags": [*_tags(flat.get("tags")), flat.get("category") or ""],
            "tool_names": _tool_names(flat.get("tools")),
        },
        launch=_launch(flat, basket),
        about=_about(flat),
    )


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Both forms as one: the cleaned one's keys, absent and dangling texts as None."""
    metadata = record.get("metadata")
    inner: Mapping[str, Any] = metadata if isinstance(metadata, dict) else {}
    flat = {key: _real(value) for key, value in {**inner, **record}.items() if key != "metadata"}
    flat.update({key: None for key in _TEXTS if not isinstance(flat.get(key), str)})
    link = str(record.get("href") or "").split("?")[0]
    parts = [_mended(unquote(part)) for part in link.split("/") if part]
    flat["name"] = flat.get("name") or (parts[1] if len(parts) > 1 else None) or flat.get("title") or "unnamed"
    flat["author"] = flat.get("author_name") or (parts[2] if len(parts) > 2 else None)
    flat["key"] = link or json.dumps([flat["name"], flat["author"], flat.get("url")])
    return flat


def _real(value: object) -> Any:
    if not isinstance(value, str):
        return value
    return None if value.strip() in {"", "[]", "{}"} or _DANGLING.fullmatch(value) else _mended(value)


def _mended(text: str) -> str:
    """UTF-8 that was read as Latin-1 becomes itself again; any other text stays as it is."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _tags(tags: object) -> list[str]:
    if isinstance(tags, str) and tags.lstrip().startswith("["):
        tags = _json(tags)
    if isinstance(tags, str):
        tags = tags.split(",")
    return [tag.strip() for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def _tool_names(tools: object) -> list[str]:
    found = _json(tools) if isinstance(tools, str) else tools
    if not isinstance(found, list):
        return []
    return [tool["name"] for tool in found if isinstance(tool, dict) and isinstance(tool.get("name"), str)]


def _json(text: str) -> Any:
    try:
        return parse_json(text)
    except (ValueError, RecursionError):
        return None


def _launch(flat: Mapping[str, Any], basket: Basket) -> list[LaunchOption]:
    """The options of the published configuration; without one, the published command; a public URL comes last."""
    blanks = Blanks(flat["name"])
    options = list(_from_config(flat.get("server_config"), flat["name"], blanks, basket))
    command = flat.get("server_command")
    if not options and isinstance(command, str):
        try:
            options.append(offered(split_command(command), blanks=blanks))
        except NoTransport as error:
            basket.left_out(f"their command is no launch option: {error}", flat["name"])
    url = flat.get("sse_url")
    if isinstance(url, str) and _is_public(url):
        kind = "sse" if urlsplit(url).path.rstrip("/").endswith("/sse") else "streamable-http"
        options.append(offered(Http(url=url, kind=kind), label="hosted", blanks=blanks))
    return options


def _from_config(config: object, name: str, blanks: Blanks, basket: Basket) -> Iterator[LaunchOption]:
    value = _json(config) if isinstance(config, str) else config
    if not isinstance(value, dict):
        return
    entries = value.get("mcpServers", value.get("servers", {"": value} if "command" in value or "url" in value else {}))
    for entry in entries.values() if isinstance(entries, dict) else ():
        try:
            yield offered(read_entry(entry if isinstance(entry, dict) else {}), blanks=blanks)
        except NoTransport as error:
            basket.left_out(f"their configuration is no launch option: {error}", name)


def _is_public(url: str) -> bool:
    """False for what only a cluster's inside can reach: `http://time-svc.chatmcp:9593/rest`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or "." not in host:
        return False
    try:
        return ip_address(host).is_global
    except ValueError:
        return not re.search(r"-svc\b|\.svc\b|\.(?:local|internal|localhost)$", host)


def _about(flat: Mapping[str, Any]) -> dict[str, object]:
    github = flat.get("github")
    facts: Mapping[str, Any] = github if isinstance(github, dict) else {}
    return {
        "repository": flat.get("url"),
        "author": flat.get("author"),
        "category": flat.get("category"),
        "licence": facts.get("license"),
        "stars": facts.get("stargazers_count"),
        "language": facts.get("language"),
        "archived": facts.get("archived"),
        "last commit": facts.get("last_commit"),
    }
