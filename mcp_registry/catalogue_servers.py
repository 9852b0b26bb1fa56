"""The catalogue's servers: registered, listed, removed."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, func, select

from mcp_registry import tables
from mcp_registry.database import Shelf, bump_generation, upsert
from mcp_registry.errors import BadServer, UnknownServer
from mcp_registry.nearest import nearest_names
from mcp_registry.record import ServerInfo, ServerRecord, ServerStatus
from mcp_registry.server import Limits, ServerSpec, transport_from_json, transport_to_json


class Servers(Shelf):
    """What the catalogue knows of servers."""

    def servers(self, *, offered: bool = False) -> list[ServerRecord]:
        """Every registered server by name; with `offered` also those that are known and not enabled."""
        with self._database.reading() as connection:
            tools = _counts(connection, tables.tool.c.server)
            aside = _counts(connection, tables.set_aside.c.server)
            rows = connection.execute(select(tables.server)).all()
            records = [_record(row, tools=tools.get(row.name, 0), set_aside=aside.get(row.name, 0)) for row in rows]
            if offered:
                columns = select(tables.offer.c.name, tables.offer.c.source)
                records += [_offered(*row) for row in connection.execute(columns.where(not_enabled()))]
        return sorted(records, key=lambda record: record.name)

    def startable(self) -> set[str]:
        """The names of the servers that have something to start or reach."""
        with self._database.reading() as connection:
            return set(
                connection.execute(select(tables.server.c.name).where(tables.server.c.spec.is_not(None))).scalars()
            )

    def server(self, name: str) -> ServerRecord | None:
        """One server, registered or offered; None when there is none of that name."""
        with self._database.reading() as connection:
            row = find_server(connection, name)
            if row is not None:
                tools, aside = (count(connection, table.c.server, name) for table in (tables.tool, tables.set_aside))
                return _record(row, tools=tools, set_aside=aside)
            columns = select(tables.offer.c.name, tables.offer.c.source)
            offer = connection.execute(columns.where(tables.offer.c.name == name)).one_or_none()
            return None if offer is None else _offered(*offer)

    def add_server(self, spec: ServerSpec, *, origin: str, replace: bool = False, at: datetime | None = None) -> None:
        """Register a server, or replace its spec; tools that it has are kept, as stale, until its next sync.

        A server whose tools came from a file gets its spec without `replace`. Replacing a spec by the same one changes
        nothing, the status neither. `at` is now, unless told.

        Raises:
            BadServer: a server of this name has a spec already, and `replace` is not given.
        """
        with self._database.writing() as connection:
            row = find_server(connection, spec.name)
            if row is not None and row.spec is not None and not replace:
                raise BadServer(
                    f"server {spec.name!r} is already registered (origin: {row.origin}): "
                    "replace it, remove it first, or choose another name"
                )
            put_server(connection, spec, origin=origin, at=at or datetime.now(UTC))

    def remove_server(self, name: str) -> int:
        """Forget a server and its tools; gives how many tools. An offer of its name is offered again.

        Raises:
            UnknownServer: none of that name is registered; the message has the nearest names.
        """
        with self._database.writing() as connection:
            tools = count(connection, tables.tool.c.server, name)
            removed = connection.execute(tables.server.delete().where(tables.server.c.name == name)).rowcount
            if not removed:
                raise no_such_server(connection, name)
            if tools or count(connection, tables.offer.c.name, name):
                bump_generation(connection)
            return tools

    def unknown_server(self, name: str) -> UnknownServer:
        """The error to raise for a name that is not registered; its message has the nearest ones."""
        with self._database.reading() as connection:
            return no_such_server(connection, name)


def find_server(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(tables.server).where(tables.server.c.name == name)).one_or_none()


def put_server(connection: Connection, spec: ServerSpec, *, origin: str, at: datetime) -> None:
    """Insert a server, or replace its spec; its tools stay, as stale."""
    row = find_server(connection, spec.name)
    written = spec_to_json(spec)
    if row is not None and row.spec == written:
        return
    tools = count(connection, tables.tool.c.server, spec.name)
    values = server_row(spec.name, ServerStatus.STALE if tools else ServerStatus.NEW, origin=origin)
    values["spec"] = written
    if row is not None and tools:
        values |= {"synced_at": row.synced_at, "stale_since": row.stale_since or at}
    upsert(connection, tables.server, [values])
    if row is None and count(connection, tables.offer.c.name, spec.name):
        bump_generation(connection)  # its card is gone
    elif row is not None and tools and _said(row.spec) != _said(written):
        bump_generation(connection)  # filters see its tools differently


def server_row(name: str, status: ServerStatus, *, origin: str) -> dict[str, Any]:
    """A whole row in which nothing else is known yet."""
    blank: dict[str, Any] = dict.fromkeys(column.name for column in tables.server.columns)
    return blank | {"name": name, "status": status.value, "origin": origin}


def no_such_server(connection: Connection, name: str) -> UnknownServer:
    """The error that says which servers are called nearly so."""
    registered = connection.execute(select(tables.server.c.name)).scalars().all()
    if count(connection, tables.offer.c.name, name):
        return UnknownServer(f"server {name!r} is only offered: enable it first (quartermaster servers enable {name})")
    offered = connection.execute(select(tables.offer.c.name)).scalars().all()
    near = nearest_names(name, {*registered, *offered})
    known = f"nearest: {', '.join(near)}" if near else f"{len(registered)} are: quartermaster servers list"
    return UnknownServer(f"no server {name!r} is registered; {known}")


def count(connection: Connection, column: Column[Any], value: str) -> int:
    """How many rows have that value."""
    return connection.execute(select(func.count()).where(column == value)).scalar_one()


def not_enabled() -> ColumnElement[bool]:
    """The condition of offers whose name no registered server has."""
    return tables.offer.c.name.not_in(select(tables.server.c.name))


def spec_to_json(spec: ServerSpec) -> dict[str, Any]:
    return {
        "transport": transport_to_json(spec.transport),
        "limits": asdict(spec.limits),
        "read_only": spec.read_only,
        "tags": list(spec.tags),
    }


def spec_from_json(name: str, spec: Mapping[str, Any]) -> ServerSpec:
    known = {field.name for field in fields(Limits)}
    return ServerSpec(
        name=name,
        transport=transport_from_json(spec["transport"]),
        limits=Limits(**{key: value for key, value in spec["limits"].items() if key in known}),
        read_only=spec["read_only"],
        tags=tuple(spec.get("tags", ())),
    )


def _said(spec: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """What filters ask of a server's entry: whether it can be started, and the operator's words."""
    return (spec is None, *((spec or {}).get(key) for key in ("read_only", "tags")))


def _counts(connection: Connection, column: Column[Any]) -> dict[str, int]:
    return dict(connection.execute(select(column, func.count()).group_by(column)).all())


def _record(row: Row[Any], *, tools: int, set_aside: int) -> ServerRecord:
    return ServerRecord(
        name=row.name,
        status=ServerStatus(row.status),
        origin=row.origin,
        spec=None if row.spec is None else spec_from_json(row.name, row.spec),
        tools=tools,
        set_aside=set_aside,
        info=None if row.info is None else ServerInfo(**row.info),
        synced_at=row.synced_at,
        stale_since=row.stale_since,
        error=row.error,
    )


def _offered(name: str, source: str) -> ServerRecord:
    return ServerRecord(name=name, status=ServerStatus.OFFERED, origin=source)
