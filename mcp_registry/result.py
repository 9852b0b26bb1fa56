"""`ToolResult`: what a tool answered, unchanged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The server's own `tools/call` result as plain JSON. A failing tool is a value, not an exception.

    Example:
        ToolResult({"content": [{"type": "text", "text": "42"}]}).text -> "42"
    """

    raw: Mapping[str, Any]
    unknown: bool = False
    """Nobody knows whether the tool ran: the call was sent, and no answer came. Such a result is an error too."""

    @classmethod
    def error(cls, text: str, *, unknown: bool = False) -> "ToolResult":
        """A result of our own that tells the model what to mend."""
        return cls({"content": [{"type": "text", "text": text}], "isError": True}, unknown)

    @property
    def is_error(self) -> bool:
        return self.raw.get("isError") is True

    @property
    def text(self) -> str:
        """All text parts, one a line."""
        content = self.raw.get("content") or ()
        return "\n".join(part["text"] for part in content if part.get("type") == "text" and "text" in part)


def rough_size(value: object, stop: int) -> int:
    """At least the bytes of a JSON value's texts, not counted much further than `stop`."""
    total, rest = 0, [value]
    while rest and total <= stop:
        match rest.pop():
            case str() as text:
                total += len(text) * 4
            case dict() as mapping:
                total += 8 * len(mapping)
                rest += [*mapping.keys(), *mapping.values()]
            case list() as items:
                total += 8 * len(items)
                rest += items
            case _:
                total += 8
    return total
