"""Arguments against a tool's schema: checked, mended where only one reading is possible, explained where not."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema_rs

from retrieval.tool import canonical_json

_MAX_PROBLEMS = 8
_MAX_SHOWN = 200
_MAX_CHOICES = 40


class WrongArguments(ValueError):
    """The arguments do not fit and cannot be mended; the message gives each field, its value and what is valid."""


class ArgumentCheck:
    """One tool's schema, compiled once. A schema that cannot be compiled lets everything through: the server decides.

    Remote references are never fetched.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        try:
            self._validator = jsonschema_rs.validator_for(dict(schema), validate_formats=False, retriever=_refuse)
        except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
            self._validator = None

    def fit(self, arguments: object) -> dict[str, Any]:
        """The arguments as the tool takes them; the very same when they fit already.

            Mended: arguments sent as a JSON text, nothing sent for an object, a number or boolean sent as text (and a
            number where a text is due), an object or a list sent as JSON text, a name or a choice in another spelling,
        null for what need not be given.

            Raises:
                WrongArguments: they do not fit, and no single mending makes them.
        """
        given = _as_object(arguments)
        if self._validator is None or self._validator.is_valid(given):
            return given
        mended = _mend_names(given, self._schema)
        for _ in range(_MAX_PROBLEMS):
            problems = list(self._validator.iter_errors(mended))
            if not problems:
                return mended
            changed = [_mend(mended, problem) for problem in problems]
            if not any(changed):
                break
        if self._validator.is_valid(mended):
            return mended
        raise WrongArguments(self._explain(given))

    def accepts(self, arguments: Mapping[str, Any]) -> bool:
        """Whether arguments are valid as they stand; nothing is by a schema that cannot be compiled."""
        return self._validator is not None and self._validator.is_valid(dict(arguments))

    def _explain(self, given: dict[str, Any]) -> str:
        assert self._validator is not None
        problems = list(self._validator.iter_errors(given))
        lines = [_sentence(problem) for problem in problems[:_MAX_PROBLEMS]]
        if len(problems) > _MAX_PROBLEMS:
            lines.append(f"and {len(problems) - _MAX_PROBLEMS} more")
        return "\n".join(f"- {line}" for line in lines) + f"\nThe tool takes: {signature(self._schema)}"


def signature(schema: Mapping[str, Any]) -> str:
    """A schema's properties on one line, required ones marked with `*`.

    Example:
        {"properties": {"path": {"type": "string"}, "limit": {"type": "integer"}}, "required": ["path"]}
        -> "path*: string, limit: integer"
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return "no arguments"
    required = schema.get("required") or ()
    return ", ".join(
        f"{name}{'*' if name in required else ''}: {_type_of(entry)}" for name, entry in list(properties.items())[:50]
    )


def example_of(schema: Mapping[str, Any], depth: int = 0) -> Any:
    """Arguments that show the shape: what the schema gives as example, default or first choice, else a placeholder.

    Only required properties are shown (all, where none is required and there are three at most).

    Example:
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]} -> {"city": "<city>"}
    """
    for key in ("examples", "enum"):
        if isinstance(values := schema.get(key), list) and values:
            return values[0]
    for key in ("example", "default", "const"):
        if key in schema:
            return schema[key]
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(options := schema.get(key), list) and options and isinstance(options[0], Mapping):
            return example_of(options[0], depth + 1)
    match _first_type(schema):
        case "object":
            return _example_object(schema, depth)
        case "array":
            items = schema.get("items")
            return [example_of(items, depth + 1)] if isinstance(items, Mapping) and depth < 4 else []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return "<text>"


def _example_object(schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or depth >= 4:
        return {}
    required = schema.get("required")
    names = [name for name in required if name in properties] if isinstance(required, list) else []
    if not names and len(properties) <= 3:
        names = list(properties)
    shown: dict[str, Any] = {}
    for name in names:
        entry = properties[name]
        value = example_of(entry, depth + 1) if isinstance(entry, Mapping) else "<text>"
        shown[name] = f"<{name}>" if value == "<text>" else value
    return shown


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} is not fetched: schemas must be whole")


def _as_object(arguments: object) -> dict[str, Any]:
    if arguments is None or arguments == "":
        return {}
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            raise WrongArguments(
                f"arguments must be a JSON object; this text is not JSON: {_show(arguments)}"
            ) from None
    if not isinstance(arguments, dict):
        raise WrongArguments(f"arguments must be a JSON object, not {_show(arguments)}")
    return arguments


def _mend_names(given: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same arguments with names in another spelling (`repoPath`, `repo-path`) put right, where just one fits."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return _copy(given)
    by_plain: dict[str, list[str]] = {}
    for name in properties:
        by_plain.setdefault(_plain(name), []).append(name)
    mended: dict[str, Any] = {}
    for name, value in given.items():
        meant = by_plain.get(_plain(name), ())
        right = meant[0] if name not in properties and len(meant) == 1 and meant[0] not in given else name
        mended[right] = value
    return _copy(mended)


def _mend(arguments: dict[str, Any], problem: Any) -> bool:
    """Put one value right in place, where only one reading is possible; whether anything was changed."""
    path: Sequence[Any] = problem.instance_path
    if not path:
        return False
    holder: Any = arguments
    for step in path[:-1]:
        holder = holder[step]
    if isinstance(holder, dict) and path[-1] not in holder:
        return False  # taken out already, for another problem of the same value
    value = holder[path[-1]]
    if value is None and isinstance(holder, dict):
        del holder[path[-1]]  # models write null for "not given"; where it is required, that is told afterwards
        return True
    match problem.kind.name:
        case "type":
            candidates = [read for kind in problem.kind.types if (read := _read_as(value, kind)) is not _UNREADABLE]
        case "enum":
            plain = _plain(value) if isinstance(value, str) else None
            candidates = [
                option for option in problem.kind.options if isinstance(option, str) and _plain(option) == plain
            ]
        case _:
            candidates = []
    if len(candidates) != 1:
        return False
    holder[path[-1]] = candidates[0]
    return True


_UNREADABLE = object()


def _read_as(value: object, kind: str) -> object:
    """A value as another JSON type, where that loses nothing; `_UNREADABLE` otherwise."""
    match kind, value:
        case "integer", float() if value.is_integer():
            return int(value)
        case (("integer" | "number" | "boolean" | "array" | "object"), str()):
            try:
                read = json.loads(value)
            except ValueError:
                return {"True": True, "False": False}.get(value, _UNREADABLE) if kind == "boolean" else _UNREADABLE
            return read if _is_a(read, kind) else _UNREADABLE
        case "string", bool():
            return "true" if value else "false"
        case "string", int() | float():
            return json.dumps(value)
        case _:
            return _UNREADABLE


def _is_a(value: object, kind: str) -> bool:
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case _:
            return isinstance(value, dict)


def _sentence(problem: Any) -> str:
    """One problem as a model can act on it: the field, the value given, what is valid."""
    field = _field(problem.instance_path)
    kind = problem.kind
    match kind.name:
        case "required":
            where = f"in {field}, " if problem.instance_path else ""
            return f"{where}{kind.property!r} is required and was not given"
        case "additionalProperties":
            return f"{', '.join(map(repr, kind.unexpected))}: no such argument"
        case "type":
            return f"{field} was {_show(problem.instance)}; it must be of type {' or '.join(kind.types)}"
        case "enum":
            options = ", ".join(canonical_json(option) for option in kind.options[:_MAX_CHOICES])
            more = f" and {len(kind.options) - _MAX_CHOICES} more" if len(kind.options) > _MAX_CHOICES else ""
            return f"{field} was {_show(problem.instance)}; it must be one of {options}{more}"
        case _:
            return f"{field} was {_show(problem.instance)}: {problem.message[:_MAX_SHOWN]}"


def _field(path: Sequence[Any]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    return f"'{text}'" if text else "the arguments"


def _show(value: object) -> str:
    text = canonical_json(value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


def _first_type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else None
    return kind if isinstance(kind, str) else ("object" if "properties" in schema else "string")


def _type_of(entry: object) -> str:
    if not isinstance(entry, Mapping):
        return "any"
    if isinstance(choices := entry.get("enum"), list) and choices:
        return "|".join(canonical_json(choice) for choice in choices[:6]) + ("|…" if len(choices) > 6 else "")
    kind = entry.get("type")
    return "|".join(map(str, kind)) if isinstance(kind, list) else str(kind or "any")
