"""Server cards: names with one line each, and no word on how to launch them."""

from collections.abc import Mapping
from typing import Any

from mcp_registry.feeds.basket import Basket


def is_card(record: Mapping[str, Any]) -> bool:
    """True for a record of a name and a summary."""
    about = record.get("summary", record.get("description"))
    return isinstance(record.get("name"), str) and bool(record["name"].strip()) and isinstance(about, str)


def add_card(record: Mapping[str, Any], source: str, basket: Basket) -> None:
    """Add one card as an offer without a launch option."""
    about = {key: record.get(key) for key in ("version", "month", "homepage", "repository", "license")}
    card = {
        "title": record.get("title"),
        "description": record.get("summary") or record.get("description"),
        "tags": record.get("tags"),
    }
    basket.add_offer(record["name"], source=source, card=card, about=about)
