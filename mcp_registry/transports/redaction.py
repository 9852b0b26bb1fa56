"""What must not be read in a message: the values behind `${NAME}`, and what stands where secrets stand."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

from mcp_registry.server import Http, ServerSpec, Stdio, references

_SECRET_NAME = re.compile(r"key|token|secret|passw|auth|credential|cookie|session|dsn", re.IGNORECASE)
_SHORTEST = 4
"""A shorter value hides nothing, and blotting it out would make messages unreadable."""


def redaction(
    written: ServerSpec, resolved: ServerSpec, environment: Mapping[str, str] | None = None
) -> Callable[[str], str]:
    """A function that blots out in a text every secret that this server was given.

    Example:
        env {"API_KEY": "${API_KEY}"} -> "bad key sk-123" becomes "bad key ${API_KEY}"
    """
    values = os.environ if environment is None else environment
    named = [(values.get(name, ""), name) for name in references(written.transport)]
    found = {value: f"${{{name}}}" for value, name in (*_literal(resolved), *named) if len(value) >= _SHORTEST}
    longest_first = sorted(found.items(), key=lambda item: -len(item[0]))

    def hide(text: str) -> str:
        for value, shown in longest_first:
            text = text.replace(value, shown)
        return text

    return hide


def place(url: str) -> str:
    """Scheme, host, port and path of a URL: what may be shown of it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _literal(resolved: ServerSpec) -> Iterator[tuple[str, str]]:
    """(value, name) of what was written out where a secret stands, though it should be a reference."""
    match resolved.transport:
        case Stdio(env=env, args=args):
            yield from ((value, key) for key, value in env.items() if _SECRET_NAME.search(key))
            for before, arg in zip(("", *args), args, strict=False):
                name, equals, value = arg.partition("=")
                if equals and _SECRET_NAME.search(name):
                    yield value, name.lstrip("-")
                elif before.startswith("-") and _SECRET_NAME.search(before) and not arg.startswith("-"):
                    yield arg, before.lstrip("-")
        case Http(url=url, headers=headers):
            for key, value in headers.items():
                yield value, key
                yield value.rpartition(" ")[2], key
            parts = urlsplit(url)
            yield parts.password or "", "password"
            yield from ((value, key) for key, value in parse_qsl(parts.query) if _SECRET_NAME.search(key))
