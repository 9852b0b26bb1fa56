"""A profile: a named filter of quartermaster.toml, for a gateway or a single search."""

from collections.abc import Mapping

import msgspec

from mcp_registry.errors import BadFilter
from mcp_registry.facts import filter_of
from mcp_registry.nearest import nearest_names
from retrieval.filters import Filter


class ProfileSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a gateway or a search of this profile is limited to; what is left out limits nothing."""

    servers: tuple[str, ...] = ()
    """Patterns over server names, or over tool ids (`server/name`); `*` and `?` stand for any letters, or one."""
    not_servers: tuple[str, ...] = ()
    """Patterns of the same kind: what is left out, whatever `servers` says."""
    tags: tuple[str, ...] = ()
    """Only servers that have one of these tags."""
    read_only: bool = False
    """Only tools that only read, by their own hint or by the operator's word."""
    trust: str = "offered"
    """Only servers of at least this trust: `offered` (all), `definitions`, `registered` or `trusted`."""


def profile_filter(profiles: Mapping[str, ProfileSettings], name: str) -> Filter:
    """The filter of a profile.

    Raises:
        BadFilter: there is no such profile, with the nearest; or its level of trust does not exist.
    """
    profile = profiles.get(name)
    if profile is None:
        near = nearest_names(name, profiles)
        hint = f"nearest: {', '.join(near)}" if near else f"there are {', '.join(sorted(profiles)) or 'none'}"
        raise BadFilter(f"no profile {name!r} in the settings; {hint}. A profile is a section [profiles.{name}]")
    return filter_of(**msgspec.structs.asdict(profile))
