"""`Policy`: which tools may be seen and called. One check for every path: search, describe, call, agent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum

import msgspec

from mcp_registry.annotations import Annotation, Hints, tool_annotations
from retrieval.filters import matches
from retrieval.tool import ToolId, ToolSpec


class Decision(StrEnum):
    """What a policy says about a call: it may be made, it may not, or a person must be asked first."""

    ALLOW = "allow"
    DENY = "deny"
    ASK = "ask"


class PolicySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Patterns over tool ids (`server/name`, with `*` and `?`); a bare server name means all of its tools.

    After an `@` stands an annotation that the tool must have too: `github@destructive`, `@write` for any tool.
    """

    allow: tuple[str, ...] = ("*",)
    """What may be used at all."""
    deny: tuple[str, ...] = ()
    """What may not, whatever `allow` says."""
    ask: tuple[str, ...] = ()
    """What a person must approve first, each time."""
    trusted: tuple[str, ...] = ()
    """Servers that are vouched for: a search for `trusted` ones finds them, and what their tools say is trusted."""

    def __post_init__(self) -> None:
        for name in ("allow", "deny", "ask"):
            for text in getattr(self, name):
                try:
                    pattern_of(text)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        if "" in self.trusted:
            raise ValueError("trusted: a pattern is empty")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern over ids and the annotation that a tool must have beside; None is any."""

    ids: str
    annotation: Annotation | None = None

    def fits(self, id_: ToolId, annotations: frozenset[Annotation]) -> bool:
        return (self.annotation is None or self.annotation in annotations) and matches(id_, self.ids)


def pattern_of(text: str) -> Pattern:
    """The pattern that is written so.

    Raises:
        ValueError: it is empty, or what stands after its last `@` is no annotation.

    Example:
        pattern_of("github/delete_*@write") -> Pattern("github/delete_*", Annotation.WRITE)
    """
    ids, at, name = text.rpartition("@")
    if not at:
        ids, name = text, ""
    if not text or ids.startswith("/"):
        raise ValueError(f"pattern {text!r} names no server: write server, server/tool or *")
    if not at:
        return Pattern(ids)
    if name not in list(Annotation):
        known = ", ".join(f"@{each}" for each in Annotation)
        close = get_close_matches(name, list(Annotation), n=1)
        hint = f"did you mean @{close[0]}?" if close else f"there are {known}; an @ in a name is written ?"
        raise ValueError(f"pattern {text!r} has no annotation after its @: {hint}")
    return Pattern(ids or "*", Annotation(name))


@dataclass(frozen=True, slots=True)
class Policy:
    """Hashable, so that the index evaluates it once over what does not change. deny comes before ask before allow.

    Raises:
        ValueError: a pattern cannot be read.
    """

    allow: tuple[str, ...] = ("*",)
    deny: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    _allow: tuple[Pattern, ...] = field(init=False, compare=False, repr=False)
    _deny: tuple[Pattern, ...] = field(init=False, compare=False, repr=False)
    _ask: tuple[Pattern, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("allow", "deny", "ask"):
            object.__setattr__(self, f"_{name}", tuple(map(pattern_of, getattr(self, name))))

    @property
    def hides_by_annotation(self) -> bool:
        """Whether an id alone does not tell if its tool may be seen: then it takes `PolicyOver`."""
        return any(pattern.annotation is not None for pattern in (*self._allow, *self._deny))

    def allows(self, id_: ToolId, annotations: frozenset[Annotation] = frozenset()) -> bool:
        """Whether a tool (or a server card, by its name) may be seen, and called once it is approved.

        A card has no annotations: it is hidden where everything of the server is, and shown where some of it may be.

        Example:
            Policy(deny=("shell", "github/delete_*")).allows("github/delete_repository") -> False
        """
        if "/" not in id_:
            return any(matches(id_, pattern.ids) for pattern in self._allow) and not any(
                pattern.annotation is None and matches(id_, pattern.ids) for pattern in self._deny
            )
        return _any(self._allow, id_, annotations) and not _any(self._deny, id_, annotations)

    def decide(self, tool: ToolSpec, *, read_only: bool = False) -> Decision:
        """What holds for a call of this tool; `read_only` is the operator's word on its server.

        Example:
            Policy(ask=("@destructive",)).decide(ToolSpec(server="fs", name="remove")) -> Decision.ASK
        """
        annotations = tool_annotations(tool, read_only=read_only)
        if not self.allows(tool.tool_id, annotations):
            return Decision.DENY
        return Decision.ASK if _any(self._ask, tool.tool_id, annotations) else Decision.ALLOW

    def trusts(self, server: str) -> bool:
        """Whether the operator vouches for what the server's tools say."""
        return any(matches(server, pattern) for pattern in self.trusted)


@dataclass(frozen=True, slots=True)
class PolicyOver:
    """An `Allow` for a search where patterns have annotations: the policy, and the hints of the catalogue's tools."""

    policy: Policy
    hints: Hints

    def __call__(self, id_: str) -> bool:
        return self.policy.allows(id_, self.hints.annotations(id_))


def policy_of(settings: PolicySettings) -> Policy:
    return Policy(settings.allow, settings.deny, settings.ask, settings.trusted)


def _any(patterns: Sequence[Pattern], id_: ToolId, annotations: frozenset[Annotation]) -> bool:
    return any(pattern.fits(id_, annotations) for pattern in patterns)
