"""`ToolDiff` and the one pure `diff` that every comparison of tools goes through."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Fingerprinted(Protocol):
    """A tool or a card: whatever has an identity and a hash of its content."""

    @property
    def fingerprint(self) -> str: ...


T = TypeVar("T", bound=Fingerprinted)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDiff(Generic[T]):
    """What must be done to make what we hold equal to what there is; falsy when that is nothing."""

    added: tuple[T, ...] = ()
    changed: tuple[T, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def diff(known: Mapping[str, str], current: Iterable[tuple[str, T]]) -> ToolDiff[T]:
    """Compare the fingerprints that we hold with the things that exist now, both by id (ScaleMCP, Algorithm 1).

    A renamed tool is one removal and one addition: MCP gives a tool no identity beyond its name.

    Example:
        known   = {"git/log": "a1", "git/blame": "b2"}
        current = [("git/log", log (a1)), ("git/diff", diff (c3))]
        -> added = (diff,), changed = (), removed = ("git/blame",)
    """
    now = dict(current)
    return ToolDiff(
        added=tuple(thing for id_, thing in now.items() if id_ not in known),
        changed=tuple(thing for id_, thing in now.items() if id_ in known and known[id_] != thing.fingerprint),
        removed=tuple(id_ for id_ in known if id_ not in now),
    )
