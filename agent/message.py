"""`Message`: one chat turn in plain data."""

from typing import Any, Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call as a model asked for it; `name` is a tool's id, `server/tool`, or the name of a meta-tool."""

    id: str
    name: str
    arguments: dict[str, Any]


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One turn of a conversation with a model.

    `untrusted` says that the content holds text which a tool gave: nobody who may give orders has written it.

    Example:
        Message(role="user", content="What time is it in Tokyo?")
    """

    role: Role
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    untrusted: bool = False


def system(content: str) -> Message:
    return Message(role="system", content=content)


def user(content: str, *, untrusted: bool = False) -> Message:
    return Message(role="user", content=content, untrusted=untrusted)


def assistant(content: str) -> Message:
    return Message(role="assistant", content=content)
