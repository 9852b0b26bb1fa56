"""Probed profiles in a JSON file, by endpoint and model. Losing it costs a few calls."""

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec

from agent.endpoint.probing import Probed

_VERSION = 1
"""Grows when what is probed, or how, changes: older files are not believed."""


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    probed_at: float
    found: Probed


class _File(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    profiles: dict[str, _Row] = {}


def kept(file: Path, url: str, model: str, *, newer_than: float) -> Probed | None:
    """What was found out about the model behind that URL, if that was after `newer_than` (UTC seconds since 1970)."""
    row = _read(file).profiles.get(_key(url, model))
    return row.found if row is not None and row.probed_at > newer_than else None


def keep(file: Path, url: str, model: str, *, found: Probed, at: float) -> None:
    """Writes it beside what is there; the file is replaced whole."""
    row = _Row(probed_at=at, found=found)
    whole = _File(version=_VERSION, profiles={**_read(file).profiles, _key(url, model): row})
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".new")
    try:
        with os.fdopen(handle, "wb") as new:
            new.write(msgspec.json.format(msgspec.json.encode(whole), indent=1))
        Path(name).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _read(file: Path) -> _File:
    """Nothing where there is no file, or one that this version has not written."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError):
        return _File(version=_VERSION)
    return found if found.version == _VERSION else _File(version=_VERSION)


def _key(url: str, model: str) -> str:
    return json.dumps([url.rstrip("/"), model])
