"""The catalogue's tools: read by id, by server, all of them, or by what is nearest."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select

from mcp_registry import tables
from mcp_registry.database import Shelf
from mcp_registry.nearest import nearest_tools
from mcp_registry.wire import SetAside
from retrieval.tool import ToolId, ToolSpec

PAGE = 1000
"""Rows that one statement asks for; SQLite allows 32,766 parameters, PostgreSQL 65,535."""

_COLUMNS = (tables.tool.c.server, tables.tool.c.published)


class Tools(Shelf):
    """What the catalogue knows of tools."""

    def fingerprints(self, server: str | None = None) -> dict[ToolId, str]:
        """The fingerprint of every tool, or of one server's tools, by id: what a diff starts from."""
        with self._database.reading() as connection:
            return stored_fingerprints(connection, server)

    def tools(self, ids: Iterable[ToolId]) -> dict[ToolId, ToolSpec]:
        """The tools of these ids, those that exist, in the order asked for."""
        wanted = list(dict.fromkeys(ids))
        found: dict[ToolId, ToolSpec] = {}
        with self._database.reading() as connection:
            for chunk in chunks(wanted):
                rows = connection.execute(select(*_COLUMNS).where(tables.tool.c.tool_id.in_(chunk)))
                found |= {tool.tool_id: tool for tool in (tool_from_published(*row) for row in rows)}
        return {id_: found[id_] for id_ in wanted if id_ in found}

    def tool(self, tool_id: ToolId) -> ToolSpec | None:
        """One tool; None when there is none of that id."""
        return self.tools([tool_id]).get(tool_id)

    def tools_of(self, server: str) -> list[ToolSpec]:
        """One server's tools by name."""
        query = select(*_COLUMNS).where(tables.tool.c.server == server).order_by(tables.tool.c.tool_id)
        with self._database.reading() as connection:
            return [tool_from_published(*row) for row in connection.execute(query)]

    def all_tools(self) -> Iterator[ToolSpec]:
        """Every tool by id, read page by page: no transaction stays open while the caller is at work.

        A tool that changes meanwhile comes once, as it was or as it is.
        """
        last = ""
        while True:
            query = select(*_COLUMNS).where(tables.tool.c.tool_id > last).order_by(tables.tool.c.tool_id).limit(PAGE)
            with self._database.reading() as connection:
                page = [tool_from_published(*row) for row in connection.execute(query)]
            yield from page
            if len(page) < PAGE:
                return
            last = page[-1].tool_id

    def set_aside(self, server: str) -> list[SetAside]:
        """What was invalid in the server's last listing, in its order."""
        table = tables.set_aside
        query = select(table.c.name, table.c.reason, table.c.raw).where(table.c.server == server)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(table.c.position))
            return [SetAside(name=name, reason=reason, raw=raw) for name, reason, raw in rows]

    def nearest(self, tool_id: ToolId, n: int = 3) -> list[ToolId]:
        """The existing ids nearest to one that does not exist; empty when none is close."""
        with self._database.reading() as connection:
            ids = connection.execute(select(tables.tool.c.tool_id)).scalars().all()
        return nearest_tools(tool_id, ids, n)


def stored_fingerprints(connection: Connection, server: str | None = None) -> dict[ToolId, str]:
    query = select(tables.tool.c.tool_id, tables.tool.c.fingerprint)
    if server is not None:
        query = query.where(tables.tool.c.server == server)
    return dict(connection.execute(query).all())


def tool_row(tool: ToolSpec, at: datetime) -> dict[str, Any]:
    return {
        "tool_id": tool.tool_id,
        "server": tool.server,
        "name": tool.name,
        "fingerprint": tool.fingerprint,
        "published": tool.published,
        "changed_at": at,
    }


def tool_from_published(server: str, published: Mapping[str, Any]) -> ToolSpec:
    """The inverse of `ToolSpec.published`; it was valid when it was stored, so it is trusted."""
    extra = dict(published)
    return ToolSpec(
        server=server,
        name=extra.pop("name"),
        title=extra.pop("title", None),
        description=extra.pop("description", ""),
        input_schema=extra.pop("inputSchema"),
        output_schema=extra.pop("outputSchema", None),
        annotations=extra.pop("annotations", None),
        extra=extra,
    )


def chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while chunk := list(islice(rest, PAGE)):
        yield chunk
