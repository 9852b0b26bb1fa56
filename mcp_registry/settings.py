"""Settings of search, sync and gateway: defaults < quartermaster.toml < QUARTERMASTER_* variables < command line."""

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec

from mcp_registry.errors import BadFilter, BadSettings
from mcp_registry.home import Home
from mcp_registry.policy import PolicySettings
from mcp_registry.profiles import ProfileSettings, profile_filter
from retrieval.settings import RetrievalSettings

_PREFIX = "QUARTERMASTER_"
_PROFILES = "profiles"
UPSTAIRS = ("agent", "llm", "small_llm")
"""Sections of the same file that the floors above read, each with `load_section`."""
S = TypeVar("S", bound=msgspec.Struct)


class SyncSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the catalogue is kept equal to the servers."""

    parallel: int = 0
    """How many servers are asked at once; 0 is two for each core, at most 16: starting one is work for a core."""
    interval_s: float = 300.0
    """With `--watch`: how often every server is asked again, beside its own notices of change."""

    @property
    def at_once(self) -> int:
        """What `parallel` means on this machine."""
        return self.parallel if self.parallel > 0 else min(16, 2 * (os.cpu_count() or 1))


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the gateway answers."""

    default_k: int = 5
    """How many tools `search_tools` returns unless told."""
    max_k: int = 50
    """How many it returns at most."""
    max_result_bytes: int = 8 * 1024 * 1024
    """A larger tool result is answered with an error that says so."""
    refresh_s: float = 2.0
    """How often a running gateway looks whether another process has changed the catalogue."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names under which `serve` may be called, beside loopback ones; `name` or `name:port`, port `*` for any."""


class ValidationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How what a search found is validated, where that is asked for."""

    candidates: int = 3
    """So many of the best are probed."""
    timeout_s: float = 10.0
    """How long one probe may take, the start of its server included."""
    keep_s: float = 86_400.0
    """How long a tool that has passed needs no other probe."""
    retry_s: float = 600.0
    """How long a tool that has failed is not tried again."""
    in_gateway: bool = False
    """Whether the gateway's `search_tools` validates; it then starts the servers of the best candidates."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table a section in quartermaster.toml; `[retrieval] model` is `QUARTERMASTER_RETRIEVAL_MODEL`."""

    retrieval: RetrievalSettings = RetrievalSettings()
    sync: SyncSettings = SyncSettings()
    gateway: GatewaySettings = GatewaySettings()
    policy: PolicySettings = PolicySettings()
    validation: ValidationSettings = ValidationSettings()
    profiles: dict[str, ProfileSettings] = {}
    """Named filters, each a section [profiles.NAME]; in the file only."""


def load_settings(home: Home, environment: Mapping[str, str] | None = None) -> Settings:
    """The resolved settings.

    Raises:
        BadSettings: a file that is not TOML, an unknown section or key, or a value of the wrong type.
    """
    tables = _from_file(home)
    for section, kind in sections().items():
        for key, text in _from_environment(section, kind, os.environ if environment is None else environment):
            tables.setdefault(section, {})[key] = text
    values: dict[str, Any] = {}
    for section, table in tables.items():
        if section == _PROFILES:
            values[section] = {name: _profile(name, profile) for name, profile in table.items()}
            continue
        if section in UPSTAIRS:
            continue
        kind = sections().get(section)
        if kind is None:
            known = ", ".join((*sections(), *UPSTAIRS, f"{_PROFILES}.NAME"))
            raise BadSettings(f"{home.settings_file}: no section [{section}]; there are {known}")
        values[section] = _section(section, kind, table)
    return Settings(**values)


def load_section(home: Home, section: str, kind: type[S], environment: Mapping[str, str] | None = None) -> S:
    """One resolved section, for a floor above that owns its settings; variables that are no setting are left alone.

    Raises:
        BadSettings: as `load_settings`.
    """
    named = dict(_from_environment(section, kind, os.environ if environment is None else environment))
    known = {key: text for key, text in named.items() if key in kind.__struct_fields__}
    return _section(section, kind, {**_from_file(home).get(section, {}), **known})


def _section(section: str, kind: type[S], table: Mapping[str, Any]) -> S:
    for key in table:
        if key not in kind.__struct_fields__:
            close = get_close_matches(key, kind.__struct_fields__, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(kind.__struct_fields__)}"
            raise BadSettings(f"unknown setting {section}.{key}: {hint}")
    try:
        return msgspec.convert(table, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadSettings(f"setting in [{section}]: {error}") from None


def sections() -> dict[str, type[msgspec.Struct]]:
    return {field.name: field.type for field in msgspec.structs.fields(Settings) if field.name != _PROFILES}


def _profile(name: str, table: Any) -> ProfileSettings:
    if not isinstance(table, dict):
        raise BadSettings(f"setting {_PROFILES}.{name} stands outside a profile; write it below [{_PROFILES}.NAME]")
    profile = _section(f"{_PROFILES}.{name}", ProfileSettings, table)  # pyright: ignore[reportUnknownArgumentType]
    try:
        profile_filter({name: profile}, name)
    except BadFilter as error:
        raise BadSettings(f"setting in [{_PROFILES}.{name}]: {error}") from None
    return profile


def _from_file(home: Home) -> dict[str, dict[str, Any]]:
    try:
        found = tomllib.loads(home.settings_file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings(f"{home.settings_file} cannot be read: {error}") from None
    for section, table in found.items():
        if not isinstance(table, dict):
            raise BadSettings(f"{home.settings_file}: {section!r} stands outside a section; write it below [section]")
    return found


def _from_environment(
    section: str, kind: type[msgspec.Struct], environment: Mapping[str, str]
) -> list[tuple[str, Any]]:
    """(key, value) of each variable named after a section; a comma separates the items of a list."""
    found: list[tuple[str, Any]] = []
    prefix = f"{_PREFIX}{section.upper()}_"
    for name, text in sorted(environment.items()):
        if name.startswith(prefix):
            key = name.removeprefix(prefix).lower()
            is_list = isinstance(getattr(kind(), key, None), tuple)
            found.append((key, [part.strip() for part in text.split(",") if part.strip()] if is_list else text))
    return found
