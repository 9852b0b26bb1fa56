"""The catalogue's offers: servers that are known and not started until they are enabled."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select

from mcp_registry import tables
from mcp_registry.catalogue_servers import find_server, no_such_server, not_enabled, put_server
from mcp_registry.catalogue_tools import PAGE, chunks
from mcp_registry.database import Shelf, bump_generation, upsert
from mcp_registry.diff import diff
from mcp_registry.errors import BadServer, NotStartable
from mcp_registry.offer import LaunchOption, Offer
from mcp_registry.server import ServerSpec, transport_from_json, transport_to_json
from retrieval.card import ServerCard
from retrieval.tool import canonical_json


@dataclass(frozen=True, slots=True, kw_only=True)
class OffersAdded:
    """What an import of offers did."""

    added: int
    changed: int
    unchanged: int


class Offers(Shelf):
    """What the catalogue knows of servers that are not connected."""

    def add_offers(self, offers: Iterable[Offer], *, at: datetime) -> OffersAdded:
        """Take over offers, each in place of one of the same name; those of other names stay."""
        listed = {offer.name: _Written(offer) for offer in offers}
        with self._database.writing() as connection:
            columns = select(tables.offer.c.name, tables.offer.c.fingerprint)
            found = diff(dict(connection.execute(columns).all()), listed.items())
            new = (*found.added, *found.changed)
            upsert(connection, tables.offer, ({**written.row, "changed_at": at} for written in new))
            if new:
                bump_generation(connection)
        return OffersAdded(added=len(found.added), changed=len(found.changed), unchanged=len(listed) - len(new))

    def offer(self, name: str) -> Offer | None:
        """One offer, enabled or not; None when there is none of that name."""
        with self._database.reading() as connection:
            row = connection.execute(select(tables.offer).where(tables.offer.c.name == name)).one_or_none()
        return None if row is None else _offer(row)

    def offers(self) -> Iterator[Offer]:
        """Every offer that is not enabled, by name, read page by page."""
        last = ""
        while True:
            query = select(tables.offer).where(not_enabled(), tables.offer.c.name > last)
            with self._database.reading() as connection:
                page = connection.execute(query.order_by(tables.offer.c.name).limit(PAGE)).all()
            yield from map(_offer, page)
            if len(page) < PAGE:
                return
            last = page[-1].name

    def card_fingerprints(self) -> dict[str, str]:
        """The fingerprint of every card, by server name: of the offers whose name no registered server has."""
        query = select(tables.offer.c.name, tables.offer.c.card_fingerprint).where(not_enabled())
        with self._database.reading() as connection:
            return dict(connection.execute(query).all())

    def cards(self, names: Iterable[str]) -> dict[str, ServerCard]:
        """The cards of these servers, those that exist, in the order asked for."""
        wanted = list(dict.fromkeys(names))
        found: dict[str, ServerCard] = {}
        with self._database.reading() as connection:
            for chunk in chunks(wanted):
                query = select(tables.offer.c.card).where(not_enabled(), tables.offer.c.name.in_(chunk))
                found |= {card["name"]: _card(card) for card in connection.execute(query).scalars()}
        return {name: found[name] for name in wanted if name in found}

    def enable_offer(self, name: str, option: str | None = None, *, at: datetime | None = None) -> ServerSpec:
        """Register the offered server, to be started by its next sync; `option` is the label of a launch option.

        Of several options the first is taken when none is named. `at` is now, unless told.

        Raises:
            UnknownServer: nothing of that name is offered; the message has the nearest names.
            NotStartable: the offer has no such option, or none at all.
            BadServer: it is enabled already, or its name or launch option cannot be used.
        """
        with self._database.writing() as connection:
            row = connection.execute(select(tables.offer).where(tables.offer.c.name == name)).one_or_none()
            server = find_server(connection, name)
            if server is not None and server.spec is not None:
                raise BadServer(f"server {name!r} is enabled already (origin: {server.origin})")
            if row is None:
                raise no_such_server(connection, name)
            spec = ServerSpec(name=name, transport=_choose(_offer(row), option).transport)
            put_server(connection, spec, origin=row.source, at=at or datetime.now(UTC))
        return spec


class _Written:
    """An offer as a row, with the fingerprint of all that it says (a card's own covers the card alone)."""

    def __init__(self, offer: Offer) -> None:
        content = {
            "name": offer.name,
            "source": offer.source,
            "card": _card_to_json(offer.card),
            "launch": [_option_to_json(option) for option in offer.launch],
            "about": dict(offer.about),
        }
        self.fingerprint = hashlib.sha256(canonical_json(content).encode("utf-8", "surrogatepass")).hexdigest()
        self.row = {**content, "card_fingerprint": offer.card.fingerprint, "fingerprint": self.fingerprint}


def _choose(offer: Offer, label: str | None) -> LaunchOption:
    if not offer.launch:
        raise NotStartable(
            f"{offer.source} knows server {offer.name!r} but not how to launch it: look it up, then "
            f"quartermaster servers add {offer.name} -- COMMAND ARGS..."
        )
    if label is None:
        return offer.launch[0]
    for option in offer.launch:
        if option.label == label:
            return option
    labels = ", ".join(repr(option.label) for option in offer.launch)
    raise NotStartable(f"server {offer.name!r} has no launch option {label!r}; it has {labels}")


def _offer(row: Row[Any]) -> Offer:
    return Offer(
        card=_card(row.card),
        source=row.source,
        launch=tuple(
            LaunchOption(label=entry["label"], transport=transport_from_json(entry["transport"]), needs=entry["needs"])
            for entry in row.launch
        ),
        about=row.about,
    )


def _option_to_json(option: LaunchOption) -> dict[str, Any]:
    return {"label": option.label, "transport": transport_to_json(option.transport), "needs": dict(option.needs)}


def _card_to_json(card: ServerCard) -> dict[str, Any]:
    return {
        "name": card.name,
        "title": card.title,
        "description": card.description,
        "tags": card.tags,
        "tool_names": card.tool_names,
    }


def _card(stored: Mapping[str, Any]) -> ServerCard:
    return ServerCard(
        name=stored["name"],
        title=stored["title"],
        description=stored["description"],
        tags=tuple(stored["tags"]),
        tool_names=tuple(stored["tool_names"]),
    )
