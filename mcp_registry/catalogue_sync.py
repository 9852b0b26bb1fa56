"""What comes into the catalogue: the outcome of a sync, and definitions from a file."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from mcp_registry import tables
from mcp_registry.catalogue_servers import count, find_server, no_such_server, server_row
from mcp_registry.catalogue_tools import chunks, tool_row
from mcp_registry.database import Shelf, bump_generation, stored_generation, upsert
from mcp_registry.diff import ToolDiff, diff
from mcp_registry.record import ServerInfo, ServerStatus
from mcp_registry.wire import SetAside
from retrieval.tool import ToolId, ToolSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionsLoaded:
    """What loading definitions did, in tools. `skipped` names the servers that are left as they are: they are live."""

    added: int
    changed: int
    removed: int
    unchanged: int
    skipped: tuple[str, ...] = ()


class Syncs(Shelf):
    """What was found, and when."""

    def generation(self) -> int:
        """A number that grows with every change of the tools or the cards, and with nothing else."""
        with self._database.reading() as connection:
            return stored_generation(connection)

    def record_sync(
        self,
        name: str,
        found: ToolDiff[ToolSpec],
        *,
        set_aside: Sequence[SetAside],
        info: ServerInfo | None,
        at: datetime,
    ) -> int:
        """Take over a complete listing, in one transaction; gives the generation, greater only if tools changed.

        Raises:
            UnknownServer: the server was removed in the meantime.
        """
        strangers = [tool.tool_id for tool in (*found.added, *found.changed) if tool.server != name]
        if strangers:
            raise ValueError(f"the listing of server {name!r} has tools of another one: {strangers[:3]}")
        with self._database.writing() as connection:
            row = find_server(connection, name)
            if row is None:
                raise no_such_server(connection, name)
            connection.execute(
                tables.server.update()
                .where(tables.server.c.name == name)
                .values(
                    status=ServerStatus.READY.value,
                    info=None if info is None else asdict(info),
                    synced_at=at,
                    stale_since=None,
                    error=None,
                )
            )
            _replace_set_aside(connection, name, set_aside)
            _write_tools(connection, found, at)
            return bump_generation(connection) if found else stored_generation(connection)

    def record_failure(self, name: str, reason: str, *, at: datetime) -> None:
        """Remember why a sync failed. Its tools stay; they are stale from the first failure on.

        Raises:
            UnknownServer: the server was removed in the meantime.
        """
        with self._database.writing() as connection:
            row = find_server(connection, name)
            if row is None:
                raise no_such_server(connection, name)
            had_success = row.synced_at is not None or count(connection, tables.tool.c.server, name) > 0
            status = ServerStatus.STALE if had_success else ServerStatus.FAILED
            stale_since = (row.stale_since or at) if had_success else None
            connection.execute(
                tables.server.update()
                .where(tables.server.c.name == name)
                .values(status=status.value, stale_since=stale_since, error=reason)
            )

    def load_definitions(self, tools: Iterable[ToolSpec], *, origin: str, at: datetime) -> DefinitionsLoaded:
        """Take over tools that a file tells of, in one transaction; there is nothing to start behind them.

        What a file says of a server is all that is known of it: a tool that an earlier file had and this one has not is
        removed. Servers that the file does not name stay as they are, and so do live ones (those with a spec).
        """
        listed = {tool.tool_id: tool for tool in tools}
        named = {tool.server for tool in listed.values()}
        with self._database.writing() as connection:
            server = tables.server.c
            live = named & set(connection.execute(select(server.name).where(server.spec.is_not(None))).scalars())
            loading = {id_: tool for id_, tool in listed.items() if tool.server not in live}
            found = diff(_fingerprints_of(connection, named - live), loading.items())
            rows = (server_row(name, ServerStatus.DEFINITIONS, origin=origin) for name in sorted(named - live))
            upsert(connection, tables.server, rows)
            _write_tools(connection, found, at)
            if found:
                bump_generation(connection)
        return DefinitionsLoaded(
            added=len(found.added),
            changed=len(found.changed),
            removed=len(found.removed),
            unchanged=len(loading) - len(found.added) - len(found.changed),
            skipped=tuple(sorted(live)),
        )


def _write_tools(connection: Connection, found: ToolDiff[ToolSpec], at: datetime) -> None:
    for chunk in chunks(found.removed):
        connection.execute(tables.tool.delete().where(tables.tool.c.tool_id.in_(chunk)))
    # Also "added" ones may be there by now: another process can have synced the server since the diff was made.
    upsert(connection, tables.tool, (tool_row(tool, at) for tool in (*found.added, *found.changed)))


def _replace_set_aside(connection: Connection, name: str, set_aside: Sequence[SetAside]) -> None:
    connection.execute(tables.set_aside.delete().where(tables.set_aside.c.server == name))
    rows = [{"server": name, "position": position, **asdict(entry)} for position, entry in enumerate(set_aside)]
    if rows:
        connection.execute(tables.set_aside.insert(), rows)


def _fingerprints_of(connection: Connection, servers: set[str]) -> dict[ToolId, str]:
    query = select(tables.tool.c.tool_id, tables.tool.c.server, tables.tool.c.fingerprint)
    return {id_: fingerprint for id_, server, fingerprint in connection.execute(query) if server in servers}
