"""A world's state as a value, and how far one is from another; pure but for reading the files."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

Snapshot = dict[str, Any]
"""By file or probe: what stands there."""

_GONE = object()


def read_files(folder: Path, patterns: Sequence[str], ignored: Sequence[str]) -> Snapshot:
    """The files that a pattern names: JSON as its value without the ignored keys, other text as its lines."""
    found: Snapshot = {}
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}):
        found[str(path.relative_to(folder))] = _value(path.read_bytes(), ignored)
    return found


def digest(value: Any) -> str:
    """A hash of any JSON value."""
    return hashlib.blake2b(msgspec.json.encode(value, order="deterministic"), digest_size=12).hexdigest()


def likeness(start: Snapshot, gold: Snapshot, found: Snapshot) -> float:
    """How much of what either changed is right: |equal| / |changed by the gold actions or by the run|; 1 if all is.

    Example:
        likeness({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 2, "b": 3}) -> 0.5
    """
    wanted, made = dict(_changes(start, gold)), dict(_changes(start, found))
    places = wanted.keys() | made.keys()
    if not places:
        return 1.0
    right = sum(at in made and wanted[at] == made[at] for at in wanted)
    return right / len(places)


def _value(content: bytes, ignored: Sequence[str]) -> Any:
    try:
        value = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return content.decode("utf-8", "replace").splitlines()
    if isinstance(value, dict):
        return {key: each for key, each in value.items() if key not in ignored}
    return value


def _changes(one: Any, other: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each place where the other differs, with what stands there now; equal parts are not gone through."""
    if one == other:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys(), key=str):
            yield from _changes(one.get(key, _GONE), other.get(key, _GONE), (*at, str(key)))
    elif isinstance(one, list) and isinstance(other, list):
        for place in range(max(len(one), len(other))):
            here, there = (each[place] if place < len(each) else _GONE for each in (one, other))
            yield from _changes(here, there, (*at, str(place)))
    elif isinstance(other, dict) and other and one is _GONE:
        yield from _changes({}, other, at)
    else:
        yield at, other
