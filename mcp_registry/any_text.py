"""How texts that databases refuse (NUL characters, lone surrogates) are stored: the one spelling of all readers."""

import re

_UNSTORABLE = re.compile(r"[\\\x00\ud800-\udfff]")
_ESCAPED = re.compile(r"\\(\\|u[0-9a-f]{4})")


def storable(text: str) -> str:
    r"""The text with NUL and surrogates as `\u0000` or `\ud800`, and a backslash as two; all else as it is."""
    return _UNSTORABLE.sub(_escape, text)


def original(stored: str) -> str:
    """The inverse of `storable`."""
    return stored if "\\" not in stored else _ESCAPED.sub(_unescape, stored)


def _escape(match: re.Match[str]) -> str:
    return "\\\\" if match[0] == "\\" else f"\\u{ord(match[0]):04x}"


def _unescape(match: re.Match[str]) -> str:
    return "\\" if match[1] == "\\" else chr(int(match[1][1:], 16))
