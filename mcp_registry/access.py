"""`Access`: the one check of every path, search, description and call: the policy, and the profile that is served."""

import asyncio

from mcp_registry.catalogue import Catalogue
from mcp_registry.facts import check_names, facts_of
from mcp_registry.policy import Policy, policy_of
from mcp_registry.settings import Settings
from retrieval.candidates import Allow
from retrieval.filters import Facts, Filter, Narrowed


class Access:
    """Knows what filters ask of the catalogue, read once for each generation, and only when there is a filter."""

    def __init__(self, catalogue: Catalogue, settings: Settings, profile: Filter | None) -> None:
        self.settings = settings
        self._policy: Policy = policy_of(settings.policy)
        self._catalogue = catalogue
        self._profile = profile
        self._facts: tuple[int, Facts] | None = None

    async def allowing(self, generation: int, only: Filter | None = None) -> Allow:
        """What the policy, the profile and `only` allow together; equal for equal ones of one generation.

        Raises:
            BadFilter: `only` names a server or a tag that is not there; the message has the nearest.
        """
        filters = tuple(each for each in (self._profile, only) if each is not None)
        if not filters:
            return self._policy.allows
        if self._facts is None or self._facts[0] != generation:
            rows = await asyncio.to_thread(self._catalogue.fact_rows)
            self._facts = (generation, facts_of(rows, self.settings.policy.trusted))
        facts = self._facts[1]
        if only is not None:
            check_names(only, facts)
        return Narrowed(self._policy.allows, filters, facts)
