"""`Filter`: which tools a search may return, as a value. It is evaluated inside the search: k hits are k hits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from retrieval.tool import ToolId, split_tool_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What must hold of a tool; an empty part holds of all. The parts hold together, the entries of one part singly.

    `servers` and `not_servers` are patterns with `*` and `?` over server names, or over whole ids when they have a `/`.
    `tags`: its server has one of them. `read_only`: it only reads, by its own hint or by the operator's word. `trust`:
    its server has at least this level; 0 is any.

    Example:
        Filter(servers=("git", "fs*"), not_servers=("*/delete_*",), read_only=True)
    """

    servers: tuple[str, ...] = ()
    not_servers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    read_only: bool = False
    trust: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """What filters ask of ids beside their names. Each state of a catalogue has its own; two are never equal.

    `trust` has every server that is known, with its level.
    """

    read_only_tools: frozenset[ToolId] = frozenset()
    read_only_servers: frozenset[str] = frozenset()
    tags: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    trust: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Narrowed:
    """An `Allow` for a search: what the base allows and every filter lets through.

    Made again with the same base, equal filters and the same facts it is equal, so the index evaluates it once.
    """

    base: Callable[[str], bool] | None
    filters: tuple[Filter, ...]
    facts: Facts
    _servers: dict[str, bool] = field(default_factory=dict[str, bool], init=False, compare=False, repr=False)

    def __call__(self, id_: str) -> bool:
        server, tool = split_tool_id(id_)
        fits = self._servers.get(server)
        if fits is None:
            fits = self._servers[server] = all(server_fits(each, server, self.facts) for each in self.filters)
        return (
            fits
            and all(_tool_fits(each, id_, server, self.facts) for each in self.filters if tool or each.read_only)
            and (self.base is None or self.base(id_))
        )


def server_fits(wanted: Filter, server: str, facts: Facts) -> bool:
    """Whether a filter may let anything of a server through: all of it that is not about single tools."""
    if wanted.servers and not any(fnmatchcase(server, pattern.partition("/")[0]) for pattern in wanted.servers):
        return False
    if any(matches(server, pattern) for pattern in wanted.not_servers):
        return False
    if wanted.tags and facts.tags.get(server, frozenset()).isdisjoint(wanted.tags):
        return False
    return facts.trust.get(server, 0) >= wanted.trust


def _tool_fits(wanted: Filter, id_: str, server: str, facts: Facts) -> bool:
    if wanted.read_only and server not in facts.read_only_servers and id_ not in facts.read_only_tools:
        return False
    return (not wanted.servers or any(matches(id_, pattern) for pattern in wanted.servers)) and not any(
        matches(id_, pattern) for pattern in wanted.not_servers
    )


def matches(id_: str, pattern: str) -> bool:
    """Whether an id fits a pattern with `*` and `?`; a pattern without `/` is one for the server alone.

    Example:
        matches("github/delete_tag", "github/delete_*") and matches("github/delete_tag", "git*")
    """
    if pattern == "*":
        return True
    return fnmatchcase(id_ if "/" in pattern else split_tool_id(id_)[0], pattern)


def unmatched(patterns: Sequence[str], servers: Sequence[str]) -> list[str]:
    """Those patterns whose server part fits none of the servers: most likely a slip of the pen."""
    return [
        pattern for pattern in patterns if not any(fnmatchcase(name, pattern.partition("/")[0]) for name in servers)
    ]
