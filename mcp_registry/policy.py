"""`Policy`: which tools may be seen and called. One check for every path: search, describe, call, agent."""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from retrieval.filters import matches
from retrieval.tool import ToolId


class Decision(StrEnum):
    """What a policy says about a call: it may be made, it may not, or a person must be asked first."""

    ALLOW = "allow"
    DENY = "deny"
    ASK = "ask"


class PolicySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Patterns over tool ids (`server/name`, with `*` and `?`); a bare server name means all of its tools."""

    allow: tuple[str, ...] = ("*",)
    """What may be used at all."""
    deny: tuple[str, ...] = ()
    """What may not, whatever `allow` says."""
    trusted: tuple[str, ...] = ()
    """Servers that a search for `trusted` ones finds: patterns over their names."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Hashable, so that the index evaluates it once over what does not change."""

    allow: tuple[str, ...] = ("*",)
    deny: tuple[str, ...] = ()

    def allows(self, tool_id: ToolId) -> bool:
        """Whether a tool (or a server card, by its name) may be seen and called.

        Example:
            Policy(deny=("shell", "github/delete_*")).allows("github/delete_repository") -> False
        """
        return any(matches(tool_id, pattern) for pattern in self.allow) and not any(
            matches(tool_id, pattern) for pattern in self.deny
        )


def policy_of(settings: PolicySettings) -> Policy:
    return Policy(settings.allow, settings.deny)
