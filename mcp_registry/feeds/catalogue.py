"""Catalogues of servers as JSON Lines: the mcpm registry and Toucan's crawl here, Docker's registry in `docker`."""

from collections.abc import Mapping
from typing import Any

from mcp_registry.feeds.basket import Basket
from mcp_registry.feeds.docker import docker_option
from mcp_registry.feeds.launch import NoTransport, offered, read_entry
from mcp_registry.feeds.placeholder import Blanks
from mcp_registry.offer import LaunchOption

# Toucan gives every server these four.
_EMPTY_TAGS = ["search", "web", "api", "mcp"]


def is_catalogue(record: Mapping[str, Any]) -> bool:
    """True for a record of one of the three catalogues."""
    return isinstance(record.get("server"), str) and any(
        key in record for key in ("installations", "image", "remote_or_local", "run")
    )


def add_catalogue_server(record: Mapping[str, Any], basket: Basket) -> None:
    """Add one server as an offer; installations that could not be started are counted and left out."""
    name: str = record["server"]
    if name == "Not_found" or not name.strip():
        basket.left_out("their page was not found when the catalogue was made", name)
        return
    if record.get("type") == "poci":
        basket.left_out("they are containers of plain commands, and no servers", name)
        return
    basket.add_offer(
        name,
        source=str(record.get("source") or "catalogue"),
        card=_card(record),
        launch=_launch(record, basket),
        about={
            "repository": record.get("repository_url"),
            "licence": record.get("license"),
            "category": record.get("category"),
            "image": record.get("image"),
            "official": record.get("is_official"),
            "archived": record.get("is_archived"),
        },
    )


def _card(record: Mapping[str, Any]) -> dict[str, object]:
    tags = record.get("tags")
    own = tags if isinstance(tags, list) and tags != _EMPTY_TAGS else []
    secondary = record.get("secondary")
    return {
        "title": record.get("title"),
        "description": record.get("overview") or record.get("analysis"),
        "tags": [*own, record.get("category"), *(secondary if isinstance(secondary, list) else [])],
        "tool_names": record.get("remote_tool_names"),
    }


def _launch(record: Mapping[str, Any], basket: Basket) -> list[LaunchOption]:
    installations = record.get("installations")
    if isinstance(installations, dict):
        return _mcpm_options(record, installations, basket)
    if record.get("image") or record.get("remote"):
        try:
            return [docker_option(record)]
        except NoTransport as error:
            basket.left_out(f"their configuration is no launch option: {error}", record["server"])
    return []


def _mcpm_options(record: Mapping[str, Any], installations: Mapping[str, Any], basket: Basket) -> list[LaunchOption]:
    """Each installation that starts a server, the recommended ones first."""
    arguments = record.get("arguments")
    known: dict[str, Mapping[str, Any]] = {
        key: value
        for key, value in (arguments if isinstance(arguments, dict) else {}).items()
        if isinstance(value, dict)
    }
    about = {key: str(value["description"]) for key, value in known.items() if value.get("description")}
    options: list[LaunchOption] = []
    ranked = sorted(installations.items(), key=lambda item: not _recommended(item[1]))
    for label, entry in ranked:
        if not isinstance(entry, dict):
            continue
        blanks = Blanks(record["server"], about=about)
        try:
            options.append(offered(read_entry(_entry(entry, known, blanks)), label=str(label), blanks=blanks))
        except NoTransport as error:
            basket.left_out(f"their installation is no launch option: {error}", f"{record['server']} ({label})")
    return options


def _entry(entry: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], blanks: Blanks) -> dict[str, Any]:
    """The installation as clients write it; `type` here says how it is installed, and `env` may have optional parts."""
    env = entry.get("env")
    filled = {
        key: blanks.reference(key, default="") if _optional(key, value, known) else value
        for key, value in (env if isinstance(env, dict) else {}).items()
    }
    return {key: entry[key] for key in ("command", "args", "url", "headers") if key in entry} | {"env": filled}


def _optional(key: str, value: object, known: Mapping[str, Mapping[str, Any]]) -> bool:
    if not isinstance(value, str) or not value.startswith("${"):
        return False
    argument = known.get(value[2:-1], known.get(key, {}))
    return argument.get("required") is False


def _recommended(entry: object) -> bool:
    return isinstance(entry, dict) and entry.get("recommended") is True
