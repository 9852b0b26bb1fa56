"""`plain`: a tool's input schema in the few words that every prompt and every grammar understands."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

Schema = dict[str, Any]

_DEPTH = 8
_MOST_ENUM = 64
_NOTES = ("default", "description")
_SCALARS = frozenset(["string", "number", "integer", "boolean", "null"])
_PARTS = 2_000


def plain(schema: object) -> Schema:
    """The schema with references put in place and only these words left:

    type (one name), properties, required, additionalProperties, items, enum, const, anyOf, default, description. What
    cannot be said so (cycles, patterns, formats, bounds, huge enums, nonsense) is left out, so all that fits the
    original fits this too. An empty schema is any value. After 2,000 parts the rest is any value: none makes this slow.

    Example:
        {"$ref": "#/$defs/Place", "$defs": {"Place": {"type": ["string", "null"]}}}
        -> {"anyOf": [{"type": "string"}, {"type": "null"}]}
    """
    return _Reader(schema if _is_mapping(schema) else {}).read(schema, (), _DEPTH)


class _Reader:
    """Reads the parts of one schema. References fan out, so it counts what it has read and stops."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = _PARTS

    def read(self, schema: object, trail: tuple[str, ...], depth: int) -> Schema:
        """One part; `trail` has the references that led to it."""
        self._left -= 1
        if not _is_mapping(schema) or depth == 0 or self._left < 0:
            return {}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            found = None if reference in trail else _resolved(reference, self._root)
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            return self.read({**found, **beside}, (*trail, reference), depth - 1) if _is_mapping(found) else {}
        notes = {key: schema[key] for key in _NOTES if key in schema}
        return {**self._meaning(self._merged(schema, trail, depth), trail, depth), **notes}

    def _meaning(self, schema: Mapping[str, Any], trail: tuple[str, ...], depth: int) -> Schema:
        if "const" in schema and _is_scalar(schema["const"]):
            return {"const": schema["const"]}
        choices = schema.get("enum")
        if _is_list(choices) and 0 < len(choices) <= _MOST_ENUM and all(map(_is_scalar, choices)):
            return {"enum": list(choices)}
        if _is_list(choices) and choices and all(isinstance(each, str) for each in choices):
            return {"type": "string"}
        branches = schema.get("anyOf") or schema.get("oneOf")
        if _is_list(branches) and branches:
            return _either([self.read(branch, trail, depth - 1) for branch in branches])
        kind = schema.get("type")
        if _is_list(kind):
            bare = {key: value for key, value in schema.items() if key not in _NOTES}
            return _either([self.read({**bare, "type": each}, trail, depth - 1) for each in kind])
        if kind == "object" or (kind is None and "properties" in schema):
            return self._object(schema, trail, depth)
        if kind == "array":
            items = self.read(schema.get("items"), trail, depth - 1)
            return {"type": "array", "items": items} if items else {"type": "array"}
        return {"type": kind} if isinstance(kind, str) and kind in _SCALARS else {}

    def _object(self, schema: Mapping[str, Any], trail: tuple[str, ...], depth: int) -> Schema:
        raw = _mapping(schema.get("properties"))
        properties = {name: self.read(part, trail, depth - 1) for name, part in raw.items()}
        required = list(dict.fromkeys(name for name in _list(schema.get("required")) if isinstance(name, str)))
        for name in required:
            properties.setdefault(name, {})
        made: Schema = {"type": "object"}
        if properties:
            made["properties"] = properties
        if required:
            made["required"] = required
        rest = schema.get("additionalProperties")
        if rest is False:
            made["additionalProperties"] = False
        elif _is_mapping(rest):
            made["additionalProperties"] = self.read(rest, trail, depth - 1)
        return made

    def _merged(self, schema: Mapping[str, Any], trail: tuple[str, ...], depth: int) -> Mapping[str, Any]:
        """The schema with the parts of its `allOf` put together, later ones winning."""
        parts = schema.get("allOf")
        if not _is_list(parts):
            return schema
        merged: Schema = {key: value for key, value in schema.items() if key != "allOf"}
        for part in (self.read(each, trail, depth - 1) for each in parts):
            properties = {**_mapping(merged.get("properties")), **_mapping(part.get("properties"))}
            required = [*_list(merged.get("required")), *_list(part.get("required"))]
            merged.update(part)
            merged.update({"properties": properties} if properties else {})
            merged.update({"required": required} if required else {})
        return merged


def _either(branches: Sequence[Schema]) -> Schema:
    """One of these; any value as soon as one of them is any value."""
    kept: list[Schema] = []
    for branch in branches:
        if not branch:
            return {}
        if branch not in kept:
            kept.append(branch)
    return {"anyOf": kept} if len(kept) > 1 else kept[0] if kept else {}


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
