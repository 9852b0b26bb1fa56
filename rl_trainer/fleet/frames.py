"""Frames: what a fleet and its workers say to each other, as msgpack behind a length of four bytes."""

import asyncio
import struct

import msgspec

_LENGTH = struct.Struct(">I")


class Job(msgspec.Struct, frozen=True, kw_only=True, tag="job"):
    """Something to be done. `number` comes back with what came of it."""

    number: int
    payload: bytes


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag="ready"):
    """The worker has imported what it is for."""


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    number: int
    payload: bytes


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """The work raised; `trace` is for people. Without a number it could not even begin."""

    error: str
    trace: str = ""
    number: int | None = None


Said = Ready | Done | Failed
"""What a worker says."""

_encoder = msgspec.msgpack.Encoder()
_said = msgspec.msgpack.Decoder(Said)
_job = msgspec.msgpack.Decoder(Job)


def pack(frame: Said | Job) -> bytes:
    """A frame as it goes over the wire."""
    content = _encoder.encode(frame)
    return _LENGTH.pack(len(content)) + content


async def read_job(reader: asyncio.StreamReader) -> Job | None:
    """The next job; None when the fleet has gone."""
    content = await _content(reader)
    return None if content is None else _job.decode(content)


async def read_said(reader: asyncio.StreamReader) -> Said | None:
    """What a worker says next; None when it has gone, also in the middle of a frame."""
    content = await _content(reader)
    return None if content is None else _said.decode(content)


async def _content(reader: asyncio.StreamReader) -> bytes | None:
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
