"""JSON-RPC messages as plain values: bytes -> objects, objects -> bytes, and the error in an answer."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR


class NotAMessage(ValueError):
    """A line that is not a JSON object, nor a list of them."""


def decode(line: bytes) -> list[dict[str, Any]]:
    """The messages of one line: one, or several where an older server sends a batch.

    Raises:
        NotAMessage: it is something else; many servers print to stdout what belongs on stderr.
    """
    if line.lstrip()[:1] not in (b"{", b"["):
        raise NotAMessage  # the cheap test comes first: a server may print a great deal
    try:
        value: Any = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        value = _decode_leniently(line)
    messages: list[Any] = value if isinstance(value, list) else [value]
    if not messages or not all(isinstance(message, dict) for message in messages):
        raise NotAMessage
    return messages


def encode(message: Mapping[str, Any]) -> bytes:
    """One line, newline included."""
    try:
        return msgspec.json.encode(message) + b"\n"
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8, but can be escaped.
        return json.dumps(message).encode() + b"\n"


def error_of(raw: object) -> MCPError:
    """The error of an answer, whatever shape the server gave it."""
    error: Mapping[str, Any] = raw if isinstance(raw, dict) else {"message": raw}
    code, message = error.get("code"), error.get("message")
    return MCPError(
        code if isinstance(code, int) else INTERNAL_ERROR,
        message if isinstance(message, str) else "an error without a message",
        error.get("data"),
    )


def _decode_leniently(line: bytes) -> Any:
    """What Python's own encoder may write though it is not strictly JSON: NaN, and halves of surrogate pairs."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise NotAMessage from None
