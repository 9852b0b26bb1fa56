"""A proposal: the revisions that a model asks for, as JSON; the shape that it is held to, and reading what it said."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from agent.prism.schema import ListOf, MapOf, Maybe, MemorySchema, Record, Scalar, Type, type_text
from agent.revision import Revision
from retrieval.chat import json_in
from retrieval.errors import AnswerUnusable

Op = Literal["add", "update"]

_MOST_PATHS = 64
_TYPES = {"int": "integer", "float": "number", "str": "string", "bool": "boolean"}
_KEY: dict[str, Any] = {"type": "string"}
_INDEX: dict[str, Any] = {"anyOf": [{"type": "integer"}, {"const": "-"}]}
_ANY_PATH: dict[str, Any] = {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1}


class Unreadable(Exception):
    """What a model said holds no proposal; the message is for the model."""


def proposal_schema(schema: MemorySchema, ops: Sequence[Op] = ("add", "update")) -> dict[str, Any]:
    """JSON schema of `{"revisions": [{"op", "path", "value"}]}` with a branch for every kind of place in the schema.

    A schema of more than 64 kinds of places is held to the form only: grammars of that size are slow.
    """
    places = list(_places(schema, Record(schema.root), ()))
    if len(places) > _MOST_PATHS:
        return plain_proposal_schema(ops)
    return _of_items({"anyOf": [_revision(ops, _tuple(path), _value(schema, type_)) for path, type_ in places]})


def plain_proposal_schema(ops: Sequence[Op] = ("add", "update")) -> dict[str, Any]:
    """The form alone, whatever the memory's schema: a few tokens, for endpoints that are only asked for a shape."""
    return _of_items(_revision(ops, _ANY_PATH, {}))


def _of_items(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"revisions": {"type": "array", "items": item}},
        "required": ["revisions"],
        "additionalProperties": False,
    }


def _revision(ops: Sequence[Op], path: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"op": {"enum": list(ops)}, "path": path, "value": value},
        "required": ["op", "path", "value"],
        "additionalProperties": False,
    }


def _tuple(parts: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    return {"type": "array", "prefixItems": list(parts), "minItems": len(parts), "maxItems": len(parts)}


def _places(
    schema: MemorySchema, type_: Type, path: tuple[dict[str, Any], ...]
) -> Iterator[tuple[tuple[dict[str, Any], ...], Type]]:
    """Every kind of place with its type; lists and maps as a whole are left to their items."""
    match type_:
        case Record(name=name):
            if path:
                yield path, type_
            for field in schema.records[name].fields:
                yield from _places(schema, field.type, (*path, {"const": field.name}))
        case MapOf(value=below):
            yield from _places(schema, below, (*path, _KEY))
        case ListOf(item=item):
            yield from _places(schema, item, (*path, _INDEX))
        case Maybe(of=Scalar()) | Scalar():
            yield path, type_
        case Maybe(of=inner):
            yield from _places(schema, inner, path)


def _value(schema: MemorySchema, type_: Type) -> dict[str, Any]:
    match type_:
        case Scalar(kind=kind):
            return {"type": _TYPES[kind]}
        case Maybe(of=inner):
            return {"anyOf": [_value(schema, inner), {"type": "null"}]}
        case ListOf(item=item):
            return {"type": "array", "items": _value(schema, item)}
        case MapOf(value=below):
            return {"type": "object", "additionalProperties": _value(schema, below)}
        case Record(name=name):
            fields = {field.name: _value(schema, field.type) for field in schema.records[name].fields}
            return {"type": "object", "properties": fields, "additionalProperties": False}


def read_proposal(text: str) -> tuple[list[Revision], list[str]]:
    """The revisions that a model's answer holds, and what is wrong with those that have no proper form.

    Raises:
        Unreadable: it holds none at all.
    """
    items = _items(text)
    if not isinstance(items, list):
        raise Unreadable('there is no list of revisions; answer {"revisions":[...]} and nothing else')
    revisions: list[Revision] = []
    wrong: list[str] = []
    for number, item in enumerate(items):
        try:
            revisions.append(msgspec.convert(item, Revision))
        except msgspec.ValidationError as error:
            wrong.append(f"revision {number}: {error}")
    return revisions, wrong


def _items(text: str) -> Any:
    """The list that an answer means, whether or not it has the form; None where it means none."""
    try:
        said: Any = json_in(text)
    except AnswerUnusable:
        said = None
    if isinstance(said, dict) and "revisions" in said:
        return said["revisions"]
    if cut_off := _cut_off(text):
        return cut_off
    return [said] if isinstance(said, dict) and "path" in said else said


def _cut_off(text: str) -> list[Any]:
    """The whole revisions of an answer that ran out of tokens in the middle of one."""
    _, found, rest = text.partition('"revisions"')
    place = rest.find("[") + 1
    items: list[Any] = []
    decoder = json.JSONDecoder()
    while found and place:
        try:
            item, end = decoder.raw_decode(rest, rest.index("{", place))
        except (ValueError, RecursionError):
            break
        items.append(item)
        place = end
    return items


def example(schema: MemorySchema) -> str:
    """A proposal for this very schema: small models copy what they are shown."""
    place = next((place for place in _places(schema, Record(schema.root), ()) if isinstance(place[1], Scalar)), None)
    path, kind = (place[0], type_text(place[1])) if place else (({"const": schema.top.fields[0].name},), "str")
    keys = [part.get("const", "NAME" if part is _KEY else "-") for part in path]
    revision = {"op": "add", "path": keys, "value": {"str": "...", "bool": True}.get(kind, 1)}
    return json.dumps({"revisions": [revision]}, separators=(",", ":"))
