"""Settings of search, sync and gateway: defaults < quartermaster.toml < QUARTERMASTER_* variables < command line."""

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from mcp_registry.errors import BadSettings
from mcp_registry.home import Home
from mcp_registry.policy import PolicySettings
from retrieval.settings import RetrievalSettings

_PREFIX = "QUARTERMASTER_"


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


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table a section in quartermaster.toml; `[retrieval] model` is `QUARTERMASTER_RETRIEVAL_MODEL`."""

    retrieval: RetrievalSettings = RetrievalSettings()
    sync: SyncSettings = SyncSettings()
    gateway: GatewaySettings = GatewaySettings()
    policy: PolicySettings = PolicySettings()


def load_settings(home: Home, environment: Mapping[str, str] | None = None) -> Settings:
    """The resolved settings.

    Raises:
        BadSettings: a file that is not TOML, an unknown section or key, or a value of the wrong type.
    """
    tables = _from_file(home)
    for section, key, text in _from_environment(os.environ if environment is None else environment):
        tables.setdefault(section, {})[key] = text
    values: dict[str, Any] = {}
    for section, table in tables.items():
        kind = _sections().get(section)
        if kind is None:
            raise BadSettings(f"{home.settings_file}: no section [{section}]; there are {', '.join(_sections())}")
        values[section] = _section(section, kind, table)
    return Settings(**values)


def _section(section: str, kind: type[msgspec.Struct], table: dict[str, Any]) -> msgspec.Struct:
    for key in table:
        if key not in kind.__struct_fields__:
            close = get_close_matches(key, kind.__struct_fields__, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(kind.__struct_fields__)}"
            raise BadSettings(f"unknown setting {section}.{key}: {hint}")
    try:
        return msgspec.convert(table, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadSettings(f"setting in [{section}]: {error}") from None


def _sections() -> dict[str, type[msgspec.Struct]]:
    return {field.name: field.type for field in msgspec.structs.fields(Settings)}


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


def _from_environment(environment: Mapping[str, str]) -> list[tuple[str, str, Any]]:
    """(section, key, value) of each variable named after a section; a comma separates the items of a list."""
    found: list[tuple[str, str, Any]] = []
    for name, text in sorted(environment.items()):
        for section, kind in _sections().items():
            prefix = f"{_PREFIX}{section.upper()}_"
            if name.startswith(prefix):
                key = name.removeprefix(prefix).lower()
                default = getattr(kind(), key, None)
                is_list = isinstance(default, tuple)
                found.append(
                    (section, key, [part.strip() for part in text.split(",") if part.strip()] if is_list else text)
                )
    return found
