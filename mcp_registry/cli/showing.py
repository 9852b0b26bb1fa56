"""`quartermaster servers show`, and the JSON form of servers and offers."""

from typing import Annotated, Any

import typer

from mcp_registry.catalogue import open_catalogue
from mcp_registry.cli.console import HomeOption, JsonOption, home_of, print_json, show, table
from mcp_registry.offer import Offer
from mcp_registry.record import ServerRecord
from mcp_registry.server import command_line, references, transport_to_json


def show_server(
    name: Annotated[str, typer.Argument(help="The server's name.")],
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show one server: how it is launched, its state, its tools, and those that were set aside and why."""
    with open_catalogue(home_of(home).database_url) as catalogue:
        record = catalogue.server(name)
        if record is None:
            raise catalogue.unknown_server(name)
        offer = catalogue.offer(name)
        tools = catalogue.tools_of(name)
        aside = catalogue.set_aside(name)
    found = record_json(record) | {
        "origin": record.origin,
        "launch": transport_to_json(record.spec.transport) if record.spec else None,
        "needs": references(record.spec.transport) if record.spec else [],
        "error": record.error,
        "offer": _offer_json(offer) if offer else None,
        "tool_ids": [tool.tool_id for tool in tools],
        "set_aside": [{"name": entry.name, "reason": entry.reason} for entry in aside],
    }
    if json:
        print_json(found)
        return
    _print_server(record, offer, found)


def record_json(record: ServerRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "status": record.status.value,
        "tools": record.tools,
        "stale_since": record.stale_since.isoformat() if record.stale_since else None,
        "synced_at": record.synced_at.isoformat() if record.synced_at else None,
        "set_aside": record.set_aside,
        "error": record.error,
    }


def _offer_json(offer: Offer) -> dict[str, Any]:
    return {
        "title": offer.card.title,
        "description": offer.card.description,
        "tags": list(offer.card.tags),
        "source": offer.source,
        "launch": [
            {"option": launch.label, "command": command_line(launch.transport), "needs": dict(launch.needs)}
            for launch in offer.launch
        ],
        "about": dict(offer.about),
    }


def _print_server(record: ServerRecord, offer: Offer | None, found: dict[str, Any]) -> None:
    rows = table("", "")
    rows.show_header = False
    rows.add_row("name", record.name)
    rows.add_row("status", record.status.value)
    if record.spec:
        rows.add_row("launch", command_line(record.spec.transport))
        if found["needs"]:
            rows.add_row("needs", ", ".join(found["needs"]))
    elif offer:
        for launch in found["offer"]["launch"]:
            rows.add_row(f"launch ({launch['option']})", launch["command"])
        rows.add_row("description", offer.card.description)
    if record.error:
        rows.add_row("last error", record.error)
    if record.info:
        rows.add_row("says", f"{record.info.name} {record.info.version}, protocol {record.info.protocol_version}")
    rows.add_row("tools", "\n".join(found["tool_ids"]) or "none")
    for entry in found["set_aside"]:
        rows.add_row("set aside", f"{entry['name']}: {entry['reason']}")
    show(rows)
