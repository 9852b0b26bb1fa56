"""`plain`: a tool's input schema in the few words that every prompt and every grammar understands."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

Schema = dict[str, Any]

_DEPTH = 8
_MOST_ENUM = 64
_NOTES = ("default", "description")
_SCALARS = ("string", "number", "integer", "boolean", "null")
_TYPES = frozenset((*_SCALARS, "object", "array"))


def plain(schema: object) -> Schema:
    """The schema with references put in place and only these words left:

    type (one name), properties, required, additionalProperties, items, enum, const, anyOf, default, description. What
    cannot be said so (cycles, patterns, formats, bounds, huge enums, nonsense) is left out, so all that fits the
    original fits this too, and rarely more. An empty schema is any value.

    Example:
        {"$ref": "#/$defs/Place", "$defs": {"Place": {"type": ["string", "null"]}}}
        -> {"anyOf": [{"type": "string"}, {"type": "null"}]}
    """
    root: Mapping[str, Any] = schema if _is_mapping(schema) else {}
    return _plain(root, root, (), _DEPTH)


def _plain(schema: object, root: Mapping[str, Any], trail: tuple[str, ...], depth: int) -> Schema:
    if not _is_mapping(schema) or depth == 0:
        return {}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        found = None if reference in trail else _resolved(reference, root)
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return _plain({**found, **beside}, root, (*trail, reference), depth - 1) if _is_mapping(found) else {}
    notes = {key: schema[key] for key in _NOTES if key in schema}
    return {**_meaning(_merged(schema, root, trail, depth), root, trail, depth), **notes}


def _meaning(schema: Mapping[str, Any], root: Mapping[str, Any], trail: tuple[str, ...], depth: int) -> Schema:
    if "const" in schema and _is_scalar(schema["const"]):
        return {"const": schema["const"]}
    choices = schema.get("enum")
    if _is_list(choices) and 0 < len(choices) <= _MOST_ENUM and all(map(_is_scalar, choices)):
        return {"enum": list(choices)}
    branches = schema.get("anyOf") or schema.get("oneOf")
    if _is_list(branches) and branches:
        return _either([_plain(branch, root, trail, depth - 1) for branch in branches])
    kind = schema.get("type")
    if _is_list(kind):
        bare = {key: value for key, value in schema.items() if key not in _NOTES}
        return _either([_plain({**bare, "type": each}, root, trail, depth - 1) for each in kind])
    if kind is None and "properties" in schema:
        kind = "object"
    if kind == "object":
        return _object(schema, root, trail, depth)
    if kind == "array":
        items = _plain(schema.get("items"), root, trail, depth - 1)
        return {"type": "array", "items": items} if items else {"type": "array"}
    return {"type": kind} if isinstance(kind, str) and kind in _TYPES else {}


def _object(schema: Mapping[str, Any], root: Mapping[str, Any], trail: tuple[str, ...], depth: int) -> Schema:
    raw = schema.get("properties")
    properties = {name: _plain(part, root, trail, depth - 1) for name, part in raw.items()} if _is_mapping(raw) else {}
    wanted = schema.get("required")
    required = [name for name in wanted if isinstance(name, str)] if _is_list(wanted) else []
    for name in required:
        properties.setdefault(name, {})
    made: Schema = {"type": "object"}
    if properties:
        made["properties"] = properties
    if required:
        made["required"] = list(dict.fromkeys(required))
    rest = schema.get("additionalProperties")
    if rest is False or _is_mapping(rest):
        made["additionalProperties"] = rest if rest is False else _plain(rest, root, trail, depth - 1)
    return made


def _either(branches: Sequence[Schema]) -> Schema:
    """One of these; any value as soon as one of them is any value."""
    kept: list[Schema] = []
    for branch in branches:
        if not branch:
            return {}
        if branch not in kept:
            kept.append(branch)
    return {"anyOf": kept} if len(kept) > 1 else kept[0] if kept else {}


def _merged(
    schema: Mapping[str, Any], root: Mapping[str, Any], trail: tuple[str, ...], depth: int
) -> Mapping[str, Any]:
    """The schema with the parts of its `allOf` put together, later ones winning."""
    parts = schema.get("allOf")
    if not _is_list(parts):
        return schema
    merged: Schema = {key: value for key, value in schema.items() if key != "allOf"}
    for part in (_plain(each, root, trail, depth - 1) for each in parts):
        properties = {**_mapping(merged.get("properties")), **_mapping(part.get("properties"))}
        required = [*_list(merged.get("required")), *_list(part.get("required"))]
        merged.update(part)
        merged.update({"properties": properties} if properties else {})
        merged.update({"required": required} if required else {})
    return merged


def _resolved(reference: str, root: Mapping[str, Any]) -> object:
    """What a reference within the document points to; None for any other."""
    if not reference.startswith("#"):
        return None
    found: object = root
    for key in reference[1:].split("/")[1:]:
        found = found.get(key.replace("~1", "/").replace("~0", "~")) if _is_mapping(found) else None
    return found


def _is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple)


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if _is_mapping(value) else {}


def _list(value: object) -> Sequence[Any]:
    return value if _is_list(value) else ()
