"""`put_json`, `put_toml`: one entry set in the text of a configuration file; all else stays. Pure."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from mcp_registry.feeds.text import parse_json

_HEADER = re.compile(r"^[ \t]*\[", re.MULTILINE)
# What says how a server is reached; the rest of an entry (env, disabled, timeouts) is its user's own.
_REACH = frozenset({"command", "args", "url", "httpUrl", "serverUrl", "type", "transport", "source"})


class CannotSplice(ValueError):
    """The text cannot be changed without losing something; the message says what."""


def put_json(text: str, path: Sequence[str], entry: Mapping[str, Any]) -> str:
    """The same JSON with `entry` at `path`. Indentation, line ends and a byte order mark stay as they are.

    Parts of an entry that was there before, and that do not say how the server is reached, are kept.

    Raises:
        CannotSplice: the text is not JSON, has comments, has a key twice, or something else is at the path.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    body = text.removeprefix(mark)
    root = _strict(body) if body.strip() else {}
    if not isinstance(root, dict):
        raise CannotSplice("it holds no JSON object")
    holder: Any = root
    for key in path[:-1]:
        holder = holder.setdefault(key, {})
        if not isinstance(holder, dict):
            raise CannotSplice(f"{key!r} in it is not an object")
    holder[path[-1]] = _merged(holder.get(path[-1]), entry)
    return mark + _written(root, body)


def put_toml(text: str, table: Sequence[str], entry: Mapping[str, Any]) -> str:
    """The same TOML with `entry` as the table; comments and all other tables stay as they are.

    Raises:
        CannotSplice: the text is not TOML, or writes the table in a way that cannot be replaced alone.
    """
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CannotSplice(f"it is not valid TOML: {error}") from None
    wanted = tomllib.loads(text)
    holder: Any = wanted
    for key in table[:-1]:
        holder = holder.setdefault(key, {})
        if not isinstance(holder, dict):
            raise CannotSplice(f"{key!r} in it is not a table")
    merged = _merged(holder.get(table[-1]), entry)
    holder[table[-1]] = merged
    if before == wanted:
        return text
    own = {key: value for key, value in merged.items() if not isinstance(value, dict)}
    name = ".".join(_toml_key(key) for key in table)
    block = f"[{name}]\n" + "".join(f"{_toml_key(key)} = {_toml_value(value)}\n" for key, value in own.items())
    spliced = _with_block(text, name, block)
    if not _parses_as(spliced, wanted):
        raise CannotSplice(f"it writes {name} in a form that cannot be replaced alone")
    return spliced


def _strict(body: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise CannotSplice("it has the same key twice in one object, and one of the two would be lost")
        return found

    try:
        return json.loads(body, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        try:
            parse_json(body)
        except (ValueError, RecursionError):
            raise CannotSplice(f"it is not valid JSON: {error.msg} at {at}") from None
        raise CannotSplice(f"it has comments or trailing commas (the first at {at}), which would be lost") from None
    except RecursionError:
        raise CannotSplice("it is nested too deeply") from None


def _merged(old: object, entry: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in old.items() if key not in _REACH} if isinstance(old, dict) else {}
    return {**entry, **{str(key): value for key, value in kept.items() if key not in entry}}


def _written(root: Mapping[str, Any], body: str) -> str:
    found = re.search(r"\n([ \t]+)\S", body)
    indent = found[1] if found else 2
    one_line = bool(body.strip("{} \t\r\n")) and "\n" not in body.strip()
    try:
        written = json.dumps(root, indent=None if one_line else indent, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise CannotSplice("it has a number that JSON does not know") from None
    ending = "" if body.strip() and not body.endswith("\n") else "\n"
    text = written + ending
    return text.replace("\n", "\r\n") if "\r\n" in body else text


def _with_block(text: str, name: str, block: str) -> str:
    ends = "\r\n" if "\r\n" in text else "\n"
    block = block.replace("\n", ends)
    header = re.search(rf"^[ \t]*\[[ \t]*{re.escape(name)}[ \t]*\][^\n]*(?:\n|$)", text, re.MULTILINE)
    if header is None:
        gap = "" if not text.strip() else ends if text.endswith("\n") else ends * 2
        return text + gap + block
    following = _HEADER.search(text, header.end())
    end = following.start() if following else len(text)
    # Comments and empty lines right before the next table belong to it.
    body = text[header.end() : end]
    tail = re.search(r"(?:^[ \t]*(?:#[^\n]*)?\r?\n)*\Z", body, re.MULTILINE)
    kept = body[tail.start() :] if tail else ""
    return text[: header.start()] + block + kept + text[end:]


def _parses_as(text: str, wanted: Mapping[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _toml_value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int() | float():
            return repr(value)
        case list():
            return f"[{', '.join(_toml_value(item) for item in value)}]"
        case _:
            raise CannotSplice(f"it holds a value of kind {type(value).__name__}, which would be lost")
