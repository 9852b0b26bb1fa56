"""Named arrays in one file: written in one step, checked when opened, mapped rather than read."""

import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexDamaged

_MAGIC = b"QMARRAY1"
_ALIGNED = 64
_BLOCK = 1 << 20


class _Entry(msgspec.Struct, frozen=True):
    dtype: str
    shape: tuple[int, ...]
    offset: int


class _Header(msgspec.Struct, frozen=True):
    arrays: dict[str, _Entry]
    size: int
    crc: int


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a file that holds the arrays, or leave what was there: it is synced to disk before it has its name."""
    entries: dict[str, _Entry] = {}
    size = crc = 0
    for name, array in arrays.items():
        size += -size % _ALIGNED
        entries[name] = _Entry(array.dtype.str, array.shape, size)
        size += array.nbytes
    with replacing(path) as part, part.open("wb") as file:
        at = 0
        file.write(bytes(_prefix(entries, 0, 0)))
        for name, entry in entries.items():
            padded = bytes(entry.offset - at) + np.ascontiguousarray(arrays[name]).tobytes()
            crc = zlib.crc32(padded, crc)
            file.write(padded)
            at += len(padded)
        file.seek(0)
        file.write(_prefix(entries, size, crc))


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file, read-only, mapped: pages that are not used cost no memory, and processes share them.

    Raises:
        IndexDamaged: the file is missing, is no such file, or does not hold what was written.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise IndexDamaged(f"{path} is not an index file of this version")
            length = int.from_bytes(file.read(8), "little")
            header = msgspec.json.decode(file.read(length).rstrip(b" "), type=_Header)
            start, crc, size = file.tell(), 0, 0
            while block := file.read(_BLOCK):
                crc = zlib.crc32(block, crc)
                size += len(block)
    except (OSError, msgspec.DecodeError, OverflowError) as error:
        raise IndexDamaged(f"{path} cannot be read: {error}") from error
    if (size, crc) != (header.size, header.crc):
        raise IndexDamaged(f"{path} does not hold what was written to it")
    body = np.asarray(np.memmap(path, np.uint8, mode="r", offset=start)) if size else np.empty(0, np.uint8)
    return {name: _view(body, entry) for name, entry in header.arrays.items()}


def _view(body: NDArray[np.uint8], entry: _Entry) -> NDArray[Any]:
    dtype = np.dtype(entry.dtype)
    count = int(np.prod(entry.shape, dtype=np.int64))
    return body[entry.offset : entry.offset + count * dtype.itemsize].view(dtype).reshape(entry.shape)


def _prefix(entries: dict[str, _Entry], size: int, crc: int) -> bytes:
    """What stands before the arrays; as long for any size and checksum."""
    header = msgspec.json.encode(_Header(entries, size, crc))
    room = len(msgspec.json.encode(_Header(entries, 0, 0))) + 32
    room += -(len(_MAGIC) + 8 + room) % _ALIGNED
    return _MAGIC + room.to_bytes(8, "little") + header.ljust(room)


class replacing:  # noqa: N801 - read as a verb: `with replacing(path) as part`
    """A path beside `path` to write to; it is synced and takes the name when the block ends well, else it goes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".new")

    def __enter__(self) -> Path:
        return self._part

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._part.unlink(missing_ok=True)
            return
        with self._part.open("rb+") as file:
            os.fsync(file.fileno())
        self._part.replace(self._path)
