"""The catalogue's rows that filters are about."""

from sqlalchemy import Text, select, type_coerce

from mcp_registry import tables
from mcp_registry.database import Shelf
from mcp_registry.facts import HINTED, FactRows

_SERVERS = select(tables.server.c.name, type_coerce(tables.server.c.spec, Text))
_HINTED = select(tables.tool.c.tool_id, type_coerce(tables.tool.c.published, Text)).where(
    type_coerce(tables.tool.c.published, Text).like(HINTED)
)
_OFFERS = select(tables.offer.c.name, type_coerce(tables.offer.c.card, Text), type_coerce(tables.offer.c.about, Text))


class FactsShelf(Shelf):
    """What the catalogue knows beside names and definitions."""

    def fact_rows(self) -> FactRows:
        """All of it as it is now, in one transaction."""
        with self._database.reading() as connection:
            servers, hinted, offers = (connection.execute(query).all() for query in (_SERVERS, _HINTED, _OFFERS))
        return FactRows(
            servers=[tuple(row) for row in servers],
            hinted=[tuple(row) for row in hinted],
            offers=[tuple(row) for row in offers],
        )
