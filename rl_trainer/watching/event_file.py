"""TensorBoard's event files, written here: a few fields of two small messages, so that no library is needed for it.

A file is a row of records: length (uint64), masked CRC-32C of the length, data, masked CRC-32C of the data. The data is
a protobuf message Event {1: double wall_time, 2: int64 step, 3: string file_version, 5: Summary, 7: SessionLog};
Summary {1: repeated Value {1: string tag, 2: float simple_value}}; SessionLog {1: enum status, START = 1}.
Source: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto, tensorflow/core/lib/io/record_writer.
"""

import struct
from collections.abc import Mapping

_POLYNOMIAL = 0x82F63B78
_MASK_DELTA = 0xA282EAD8
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def _table() -> tuple[int, ...]:
    rows: list[int] = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        rows.append(value)
    return tuple(rows)


_TABLE = _table()


def opening(at: float) -> bytes:
    """The first record of a file: its version."""
    return record(_wall(at) + _bytes(3, b"brain.Event:2"))


def restart(at: float, step: int) -> bytes:
    """A record that says: what earlier files have from this step on is void, it is done again."""
    return record(_wall(at) + _number(2, step) + _bytes(7, _number(1, 1)))


def scalars(at: float, step: int, values: Mapping[str, float]) -> bytes:
    """A record with values of one step, by tag."""
    summary = b"".join(
        _bytes(1, _bytes(1, tag.encode()) + _key(2, _FIXED32) + struct.pack("<f", value))
        for tag, value in values.items()
    )
    return record(_wall(at) + _number(2, step) + _bytes(5, summary))


def record(data: bytes) -> bytes:
    """The frame around a message."""
    length = struct.pack("<Q", len(data))
    return b"".join((length, struct.pack("<I", masked(length)), data, struct.pack("<I", masked(data))))


def masked(data: bytes) -> int:
    """CRC-32C (Castagnoli), rotated by 15 bits and moved on by a constant, as record files want it."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    value ^= 0xFFFFFFFF
    return ((value >> 15 | value << 17) + _MASK_DELTA) & 0xFFFFFFFF


def _wall(at: float) -> bytes:
    return _key(1, _FIXED64) + struct.pack("<d", at)


def _bytes(field: int, data: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(data)) + data


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
