"""`Policy`: which tools may be seen and called. One check for every path: search, describe, call, agent."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

import msgspec

from retrieval.tool import ToolId


class PolicySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Patterns over tool ids (`server/name`, with `*` and `?`); a bare server name means all of its tools."""

    allow: tuple[str, ...] = ("*",)
    """What may be used at all."""
    deny: tuple[str, ...] = ()
    """What may not, whatever `allow` says."""


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
        return any(_matches(tool_id, pattern) for pattern in self.allow) and not any(
            _matches(tool_id, pattern) for pattern in self.deny
        )


def policy_of(settings: PolicySettings) -> Policy:
    return Policy(settings.allow, settings.deny)


def _matches(tool_id: ToolId, pattern: str) -> bool:
    if pattern == "*":
        return True
    if "/" not in pattern:
        return fnmatchcase(tool_id.partition("/")[0], pattern)
    return fnmatchcase(tool_id, pattern)
