"""The catalogue's tables. Only the catalogue's own modules read or write them; everyone else gets plain nouns.

A change here needs a revision beside it: `python -m mcp_registry.migrations "what changes"` writes its draft.
"""

import re
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData
from sqlalchemy.orm import declared_attr, registry
from sqlmodel import Field, SQLModel

from mcp_registry.columns import AnyText, Json, UtcTime

_registry = registry(
    metadata=MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
        }
    )
)


class Row(SQLModel, registry=_registry):
    """Keeps our tables apart from any other SQLModel tables of a process, and names each: SetAsideRow -> set_aside."""

    @declared_attr.directive
    @classmethod
    def __tablename__(cls) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__.removesuffix("Row")).lower()


class ServerRow(Row, table=True):
    """A registered server; `spec` is null for one whose tools came from a file."""

    name: str = Field(primary_key=True, sa_type=AnyText)
    status: str = Field(sa_type=AnyText)
    origin: str = Field(sa_type=AnyText)
    spec: dict[str, Any] | None = Field(default=None, sa_type=Json)
    info: dict[str, Any] | None = Field(default=None, sa_type=Json)
    synced_at: datetime | None = Field(default=None, sa_type=UtcTime)
    stale_since: datetime | None = Field(default=None, sa_type=UtcTime)
    error: str | None = Field(default=None, sa_type=AnyText)


class ToolRow(Row, table=True):
    """One tool as published; `tool_id` is `server/name`."""

    tool_id: str = Field(primary_key=True, sa_type=AnyText)
    server: str = Field(foreign_key="server.name", ondelete="CASCADE", index=True, sa_type=AnyText)
    name: str = Field(sa_type=AnyText)
    fingerprint: str = Field(sa_type=AnyText)
    published: dict[str, Any] = Field(sa_type=Json)
    changed_at: datetime = Field(sa_type=UtcTime)


class SetAsideRow(Row, table=True):
    """A tool of a server's last listing that was invalid, in the order of that listing."""

    server: str = Field(primary_key=True, foreign_key="server.name", ondelete="CASCADE", sa_type=AnyText)
    position: int = Field(primary_key=True)
    name: str = Field(sa_type=AnyText)
    reason: str = Field(sa_type=AnyText)
    raw: str = Field(sa_type=AnyText)


class OfferRow(Row, table=True):
    """A server that could be launched. While a server of its name is registered it is not offered."""

    name: str = Field(primary_key=True, sa_type=AnyText)
    source: str = Field(sa_type=AnyText)
    card_fingerprint: str = Field(sa_type=AnyText)
    fingerprint: str = Field(sa_type=AnyText)
    card: dict[str, Any] = Field(sa_type=Json)
    launch: list[dict[str, Any]] = Field(sa_type=Json)
    about: dict[str, str] = Field(sa_type=Json)
    changed_at: datetime = Field(sa_type=UtcTime)


class CallRow(Row, table=True):
    """One call of a tool: who, when, how long, how it ended. Never what was in it."""

    # SQLite numbers rows by itself only in a column of type INTEGER; PostgreSQL's INTEGER would end at two billion.
    id: int | None = Field(
        default=None, sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    )
    at: datetime = Field(sa_type=UtcTime)
    server: str = Field(sa_type=AnyText)
    tool: str = Field(sa_type=AnyText)
    seconds: float
    outcome: str = Field(sa_type=AnyText)


class ProbeRow(Row, table=True):
    """What the last validation of a tool has shown; `key` is what it was shown of: a fingerprint and a launch."""

    tool_id: str = Field(primary_key=True, foreign_key="tool.tool_id", ondelete="CASCADE", sa_type=AnyText)
    key: str = Field(sa_type=AnyText)
    outcome: str = Field(sa_type=AnyText)
    reason: str = Field(sa_type=AnyText)
    arguments: dict[str, Any] = Field(sa_type=Json)
    at: datetime = Field(sa_type=UtcTime)


class StateRow(Row, table=True):
    """One row: the generation, which grows with every change of the tools or the cards."""

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    generation: int = Field(sa_type=BigInteger)


metadata = _registry.metadata
server = metadata.tables["server"]
tool = metadata.tables["tool"]
set_aside = metadata.tables["set_aside"]
offer = metadata.tables["offer"]
call = metadata.tables["call"]
probe = metadata.tables["probe"]
state = metadata.tables["state"]
