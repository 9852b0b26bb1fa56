"""What the catalogue tells filters: which tools only read, which tags and which trust a server has."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from mcp_registry.errors import BadFilter
from mcp_registry.nearest import nearest_names
from retrieval.filters import Facts, Filter, matches, unmatched


class Trust(IntEnum):
    """How far a server is vouched for; each level includes those above it.

    offered: an imported list names it. definitions: its tools came from a file. registered: the operator added or
    enabled it. trusted: it fits a pattern of the setting `policy.trusted`.
    """

    OFFERED = 0
    DEFINITIONS = 1
    REGISTERED = 2
    TRUSTED = 3


HINTED = '%Hint"%'
"""What the JSON of a tool with any hint of the protocol is LIKE."""
TRUST_NAMES = tuple(level.name.lower() for level in Trust)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRows:
    """The rows that facts are made of, JSON still as text.

    servers: (name, spec or None); hinted: (tool id, published) of tools that mention a hint; offers: (name, card,
    about).
    """

    servers: Sequence[tuple[str, str | None]] = ()
    hinted: Sequence[tuple[str, str]] = ()
    offers: Sequence[tuple[str, str, str]] = ()


def facts_of(rows: FactRows, trusted: Iterable[str] = ()) -> Facts:
    """The facts; `trusted` are the operator's patterns over server names."""
    patterns = tuple(trusted)
    tags: dict[str, set[str]] = {}
    trust: dict[str, int] = {}
    read_only: set[str] = set()
    for name, card, about in rows.offers:
        trust[name] = Trust.OFFERED
        category = json.loads(about).get("category")
        tags[name] = {_folded(tag) for tag in (*json.loads(card)["tags"], *([category] if category else []))}
    for name, text in rows.servers:
        spec: Mapping[str, Any] = json.loads(text) if text else {}
        trust[name] = Trust.REGISTERED if spec else Trust.DEFINITIONS
        tags.setdefault(name, set()).update(_folded(tag) for tag in spec.get("tags", ()))
        if spec.get("read_only"):
            read_only.add(name)
    for name in trust:
        if any(matches(name, pattern) for pattern in patterns):
            trust[name] = Trust.TRUSTED
    return Facts(
        read_only_tools=frozenset(id_ for id_, published in rows.hinted if _hints(json.loads(published))),
        read_only_servers=frozenset(read_only),
        tags={name: frozenset(found) for name, found in tags.items() if found},
        trust=trust,
    )


def filter_of(
    *,
    servers: Iterable[str] = (),
    not_servers: Iterable[str] = (),
    tags: Iterable[str] = (),
    read_only: bool = False,
    trust: str = "offered",
) -> Filter:
    """The filter that a person or a model asks for; order, repeats and the case of tags do not matter.

    Raises:
        BadFilter: no such level of trust.
    """
    if trust not in TRUST_NAMES:
        raise BadFilter(f"trust {trust!r} is not one of {', '.join(TRUST_NAMES)}{_nearest(trust, TRUST_NAMES)}")
    return Filter(
        servers=tuple(sorted(set(servers))),
        not_servers=tuple(sorted(set(not_servers))),
        tags=tuple(sorted({_folded(tag) for tag in tags})),
        read_only=read_only,
        trust=Trust[trust.upper()],
    )


def check_names(wanted: Filter, facts: Facts) -> None:
    """Raises:
    BadFilter: it names a server or a tag that nothing has; the message has the nearest.
    """
    for pattern in unmatched((*wanted.servers, *wanted.not_servers), list(facts.trust)):
        raise BadFilter(f"no server is called {pattern!r}{_nearest(pattern.partition('/')[0], facts.trust)}")
    known: set[str] = set().union(*facts.tags.values())
    for tag in wanted.tags:
        if tag not in known:
            raise BadFilter(f"no server has the tag {tag!r}{_nearest(tag, known)}")


def _nearest(name: str, names: Iterable[str]) -> str:
    near = nearest_names(name, names)
    return f"; nearest: {', '.join(near)}" if near else ""


def _folded(tag: str) -> str:
    return tag.strip().casefold()


def _hints(published: Mapping[str, Any]) -> bool:
    annotations = published.get("annotations")
    return isinstance(annotations, dict) and annotations.get("readOnlyHint") is True  # pyright: ignore[reportUnknownMemberType]
