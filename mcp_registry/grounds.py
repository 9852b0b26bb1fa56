"""`Grounds`: what of a catalogue decides whether a tool may be seen, beside its name. Made without the ORM."""

from dataclasses import dataclass

from mcp_registry.annotations import Hints, hints_of
from mcp_registry.facts import FactRows, facts_of
from mcp_registry.policy import Policy, PolicyOver, PolicySettings
from retrieval.candidates import Allow
from retrieval.filters import Facts, Filter, Narrowed


@dataclass(frozen=True, slots=True)
class Grounds:
    """What filters and patterns with annotations ask of one state of a catalogue."""

    facts: Facts
    hints: Hints


def grounds_of(rows: FactRows, settings: PolicySettings) -> Grounds:
    """The grounds in the catalogue's rows."""
    facts = facts_of(rows, settings.trusted)
    return Grounds(facts, hints_of(rows, facts.read_only_servers))


def allowing(policy: Policy, filters: tuple[Filter, ...], grounds: Grounds) -> Allow:
    """What a policy and filters allow together."""
    base: Allow = PolicyOver(policy, grounds.hints) if policy.hides_by_annotation else policy.allows
    return Narrowed(base, filters, grounds.facts) if filters else base
