"""Places in a value of a schema: whether a revision may be made there, with what, and the value after it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from agent.fence import visible
from agent.prism.schema import ListOf, MapOf, Maybe, MemorySchema, Record, Scalar, Type, type_text

Path = tuple[str | int, ...]

_MAX_KEY = 200
_MAX_TEXT = 2_000
_INT_BITS = 63


class NoSuchPlace(Exception):
    """A revision does not fit the schema or the memory; the message is for the model that made it."""


class _Absent:
    pass


ABSENT = _Absent()
"""Stands for a value that is not there; None is a value."""


def at(value: Any, path: Sequence[str | int]) -> Any:
    """What stands at the path, or ABSENT."""
    for key in path:
        match value:
            case dict() if key in value:
                value = value[key]
            case list() if isinstance(key, int) and 0 <= key < len(value):
                value = value[key]
            case _:
                return ABSENT
    return value


def located(
    schema: MemorySchema, root: Mapping[str, Any], path: Sequence[Any], op: Literal["add", "update"]
) -> tuple[Path, Type]:
    """The path with its indices made plain ("-" is the end of a list, "3" is 3), and the type of what belongs there.

    add: what lies on the way may be missing, and list indices must be the length of the list. update: all of it must
    be there.

    Raises:
        NoSuchPlace: with what would do.
    """
    if not path:
        raise NoSuchPlace("the path is empty; name the field first")
    type_: Type = Record(schema.root)
    value: Any = root
    found: list[str | int] = []
    for raw in path:
        type_ = type_.of if isinstance(type_, Maybe) else type_
        key = _key(raw, type_, value, op)
        below = schema.child(type_, key)
        if below is None:
            raise NoSuchPlace(f"{shown([*found, raw])}: {_what_there_is(schema, type_)}")
        found.append(key)
        value, type_ = at(value, (key,)), below
    there = value is not ABSENT and value is not None
    if op == "add" and there:
        raise NoSuchPlace(f"{shown(found)} is there already, as {_brief(value)}; use update to change it")
    if op == "update" and value is ABSENT:
        raise NoSuchPlace(f"{shown(found)} is not there yet; use add")
    return tuple(found), type_


def _key(raw: Any, type_: Type, value: Any, op: str) -> str | int:
    if not isinstance(type_, ListOf):
        if isinstance(raw, bool) or not isinstance(raw, str | int):
            raise NoSuchPlace(f"{raw!r} cannot be part of a path; use a text")
        key = clean(str(raw))
        if not 0 < len(key) <= _MAX_KEY:
            raise NoSuchPlace(f"a key has 1 to {_MAX_KEY} characters, this one has {len(key)}")
        return key
    length = len(value) if isinstance(value, list) else 0
    if raw == "-" and op == "add":
        return length
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < 10:
        raw = int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise NoSuchPlace(f"{raw!r} is no index of a list; " + ('add with "-"' if op == "add" else "use a number"))
    if not 0 <= raw < length + (op == "add"):
        raise NoSuchPlace(f'index {raw}: the list has {length} items; add with "-"')
    return raw


def _what_there_is(schema: MemorySchema, type_: Type) -> str:
    if isinstance(type_, Record):
        return "no such field; there are " + ", ".join(field.name for field in schema.records[type_.name].fields)
    return f"nothing lies below a value of type {type_text(type_)}"


def conformed(schema: MemorySchema, type_: Type, value: Any) -> Any:
    """The value as the type wants it; only what has one reading is changed (2.0 for 2, "12" for 12).

    Raises:
        NoSuchPlace: it does not fit, and why.
    """
    match type_:
        case Maybe(of=inner):
            return None if value is None else conformed(schema, inner, value)
        case Scalar(kind=kind):
            return _scalar(kind, value)
        case ListOf(item=item) if isinstance(value, list):
            return [conformed(schema, item, each) for each in value]
        case MapOf(value=below) if isinstance(value, dict):
            return {_key(key, type_, None, "add"): conformed(schema, below, each) for key, each in value.items()}
        case Record(name=name) if isinstance(value, dict):
            return _record(schema, name, value)
        case _:
            raise NoSuchPlace(f"{_brief(value)} is not {type_text(type_)}")


def _record(schema: MemorySchema, name: str, value: dict[str, Any]) -> dict[str, Any]:
    fields = {field.name: field.type for field in schema.records[name].fields}
    if unknown := [key for key in value if key not in fields]:
        raise NoSuchPlace(f"{name} has no field {unknown[0]!r}; there are {', '.join(fields)}")
    # A null for a field that may not be null is how models say that they do not know: the field is left out.
    known = {key: each for key, each in value.items() if each is not None or isinstance(fields[key], Maybe)}
    return {key: conformed(schema, fields[key], each) for key, each in known.items()}


def _scalar(kind: str, value: Any) -> Any:
    match kind, value:
        case "bool", bool():
            return value
        case "str", str() if len(value) <= _MAX_TEXT:
            return clean(value)
        case "str", str():
            raise NoSuchPlace(f"the text has {len(value):,} characters; say it in at most {_MAX_TEXT:,}")
        case "str", int() | float() if not isinstance(value, bool):
            return str(value)
        case "int" | "float", int() | float() | str() if not isinstance(value, bool):
            return _number(kind, value)
        case _:
            raise NoSuchPlace(f"{_brief(value)} is not {kind}")


def _number(kind: str, value: int | float | str) -> int | float:
    try:
        number = float(value) if isinstance(value, float | str) else value
    except ValueError:
        raise NoSuchPlace(f"{_brief(value)} is not {kind}") from None
    if not abs(number) < 2**_INT_BITS:  # NaN is neither more nor less
        raise NoSuchPlace(f"{_brief(value)} is too large")
    if kind == "float":
        return float(number)
    if number != int(number):
        raise NoSuchPlace(f"{_brief(value)} is not int")
    return int(value) if isinstance(value, str) and value.strip().lstrip("+-").isdigit() else int(number)


def put(value: Any, path: Path, new: Any) -> Any:
    """The value with `new` at the path, what was missing on the way made; the old value stays as it was."""
    if not path:
        return new
    key, rest = path[0], path[1:]
    if isinstance(key, int):
        items: list[Any] = list(value) if isinstance(value, list) else []
        below = put(items[key] if key < len(items) else None, rest, new)
        return [*items[:key], below, *items[key + 1 :]]
    fields: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
    fields[key] = put(fields.get(key), rest, new)
    return fields


def clean(text: str) -> str:
    """The text without what cannot be seen, and without halves of characters, which no journal can keep."""
    return visible(text)[0]


def shown(path: Sequence[Any]) -> str:
    """A path for people and models: invoices.A-17.total"""
    return ".".join(str(key) for key in path)


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
