"""`Access`: the one check of every path, search, description and call: the policy, and the profile that is served."""

import asyncio

from mcp_registry.catalogue import Catalogue
from mcp_registry.facts import check_names
from mcp_registry.grounds import Grounds, allowing, grounds_of
from mcp_registry.policy import Decision, Policy, policy_of
from mcp_registry.settings import Settings
from retrieval.candidates import Allow
from retrieval.filters import Filter, Narrowed
from retrieval.tool import ToolSpec


class Access:
    """Reads what it needs of the catalogue once a generation; nothing, where only names of tools and servers count."""

    def __init__(self, catalogue: Catalogue, settings: Settings, profile: Filter | None) -> None:
        self.settings = settings
        self._policy: Policy = policy_of(settings.policy)
        self._catalogue = catalogue
        self._profile = profile
        self._grounds: tuple[int, Grounds] | None = None

    async def allowing(self, generation: int, only: Filter | None = None) -> Allow:
        """What the policy, the profile and `only` allow together; equal for equal ones of one generation.

        Raises:
            BadFilter: `only` names a server or a tag that is not there; the message has the nearest.
        """
        filters = tuple(each for each in (self._profile, only) if each is not None)
        if not filters and not self._policy.hides_by_annotation:
            return self._policy.allows
        grounds = await asyncio.to_thread(self._read, generation)
        if only is not None:
            check_names(only, grounds.facts)
        return allowing(self._policy, filters, grounds)

    def decide(self, tool: ToolSpec, generation: int, *, read_only: bool) -> Decision:
        """What holds for a call of this tool; `read_only` is the operator's word on its server."""
        if self._profile is not None:
            profile = Narrowed(None, (self._profile,), self._read(generation).facts)
            if not profile(tool.tool_id):
                return Decision.DENY
        return self._policy.decide(tool, read_only=read_only)

    def trusts(self, server: str) -> bool:
        """Whether the operator vouches for what the server's tools say."""
        return self._policy.trusts(server)

    def _read(self, generation: int) -> Grounds:
        if self._grounds is None or self._grounds[0] != generation:
            self._grounds = (generation, grounds_of(self._catalogue.fact_rows(), self.settings.policy))
        return self._grounds[1]
