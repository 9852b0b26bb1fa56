"""The synthetic query of a tool (RAG-MCP, section 3.3): arguments out of its input schema, or why there are none."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mcp_registry.arguments import ArgumentCheck
from retrieval.identifiers import spoken

_MAX_DEPTH = 6
_MAX_ITEMS = 10

_OUTSIDE = frozenset(
    """path file filename dir directory folder cwd url uri link href endpoint website host hostname server port domain
    ip email phone address token key secret password credential""".split()  # noqa: SIM905
)
"""Words of names whose values lead out of the tool: to a file, a machine, a person. Not even an example is sent."""

_POINTING = frozenset(
    """id uuid guid pid sha hash ref handle slug cursor owner repo repository user username account branch commit
    tag bucket table database collection schema namespace pod container image channel project org team
    index""".split()  # noqa: SIM905
)
"""Words of names whose values must exist somewhere: only what the schema gives is sent."""

_OUTSIDE_FORMATS = frozenset(
    """uri uri-reference uri-template iri iri-reference url email idn-email hostname idn-hostname ipv4
    ipv6""".split()  # noqa: SIM905
)
_BY_FORMAT = {"date": "2024-01-15", "date-time": "2024-01-15T12:00:00Z", "time": "12:00:00Z", "duration": "P1D"}

_FREE_TEXT = {
    **dict.fromkeys(("query", "q", "search", "term", "keyword", "topic", "word", "phrase"), "weather"),
    **dict.fromkeys(("text", "message", "content", "prompt", "question", "string", "sentence"), "Hello, world"),
    **dict.fromkeys(("expression", "formula"), "1 + 1"),
}
"""Last words of names whose arguments take any text, and a text that is meant to fit."""

_LANGUAGE = re.compile(
    r"\b(sql|graphql|cypher|sparql|jql|lucene|xpath|regex|json|xml|yaml|code|syntax)\b", re.IGNORECASE
)
"""Said of texts that only look free."""

_SAID = re.compile(
    r"(?:\be\.g\.?|\bfor example|\bsuch as|\bexamples?|\blike)\s*[,:]?\s*[\"'`“]([^\"'`“”\n]{1,80})[\"'`”]",
    re.IGNORECASE,
)
_LOCAL = "#/"


class NoQuery(ValueError):
    """No synthetic query can be made; the message says for want of what.

    `unsafe`: what is wanting leads out of the tool, so nobody may make it up, a language model no more than a rule.
    """

    def __init__(self, message: str, *, unsafe: bool = False) -> None:
        super().__init__(message)
        self.unsafe = unsafe


def synthetic_query(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that fit the schema: what is required, and nothing more.

    Taken from the schema where it gives a value (const, enum, default, examples, an example in the description), and
    made up where any value will do: numbers in their range, dates, `false`, free text.

    Raises:
        NoQuery: a required value can neither be taken nor made up, or the result would not fit.

    Example:
        zone is required, "IANA name, e.g. 'Asia/Tokyo'" -> {"zone": "Asia/Tokyo"}
    """
    made = _object(schema, _Place(name="", root=schema))
    if not fits(schema, made):
        raise NoQuery("no arguments that fit its schema could be made")
    return made


def fits(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    """Whether arguments are valid as they stand; never by a schema that is none itself."""
    return ArgumentCheck(schema).accepts(arguments)


def leads_outside(schema: Mapping[str, Any], name: str = "") -> bool:
    """Whether a value of this name and schema would name a file, another machine or a person."""
    format_ = schema.get("format")
    return _names(name, _OUTSIDE) or (isinstance(format_, str) and format_ in _OUTSIDE_FORMATS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a value is made: the argument's name, the whole schema, how deep."""

    name: str
    root: Mapping[str, Any]
    depth: int = 0

    def below(self, name: str | None = None) -> "_Place":
        if self.depth >= _MAX_DEPTH:
            raise NoQuery(f"its schema is nested too deep at {self.name!r}")
        return replace(self, name=self.name if name is None else name, depth=self.depth + 1)


def _value(schema: Any, place: _Place) -> Any:
    if not isinstance(schema, Mapping):
        schema = {}
    if isinstance(reference := schema.get("$ref"), str):
        return _value(_resolved(reference, place), place.below())
    for value in _given(schema, place):
        return value
    if isinstance(parts := schema.get("allOf"), list):
        whole = _merged(schema, parts, place)
        return _value(whole, place.below())
    for key in ("anyOf", "oneOf"):
        if isinstance(options := schema.get(key), list) and options:
            return _first_of(options, schema, place.below())
    return _by_type(schema, place)


def _given(schema: Mapping[str, Any], place: _Place) -> Iterator[Any]:
    """What the schema itself gives as a value, the surest first."""
    if "const" in schema:
        yield schema["const"]
    if isinstance(choices := schema.get("enum"), list):
        yield from (choice for choice in choices if choice is not None)
    if schema.get("default") is not None:
        yield schema["default"]
    if leads_outside(schema, place.name):
        return
    if isinstance(examples := schema.get("examples"), list):
        yield from examples
    if "example" in schema:
        yield schema["example"]
    if _type_of(schema) == "string" and isinstance(text := schema.get("description"), str):
        yield from (match[1].strip() for match in _SAID.finditer(text) if "<" not in match[1])


def _by_type(schema: Mapping[str, Any], place: _Place) -> Any:
    match _type_of(schema):
        case "object":
            return _object(schema, place)
        case "array":
            return _array(schema, place)
        case "boolean":
            return False
        case "null":
            return None
        case "integer" | "number" as kind:
            return _number(schema, place, whole=kind == "integer")
        case _:
            return _text(schema, place)


def _object(schema: Mapping[str, Any], place: _Place) -> dict[str, Any]:
    properties = schema.get("properties")
    known: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
    required = schema.get("required")
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    return {name: _value(known.get(name), place.below(name)) for name in names}


def _array(schema: Mapping[str, Any], place: _Place) -> list[Any]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", _MAX_ITEMS)
    if not isinstance(least, int) or not isinstance(most, int) or least > _MAX_ITEMS:
        raise NoQuery(f"{place.name!r} needs {least} items")
    first = schema.get("prefixItems")
    fixed = [_value(item, place.below()) for item in first[:_MAX_ITEMS]] if isinstance(first, list) else []
    wanted = min(max(1, least), most)
    if len(fixed) < wanted:
        fixed += [_value(schema.get("items"), place.below())] * (wanted - len(fixed))
    return fixed


def _number(schema: Mapping[str, Any], place: _Place, *, whole: bool) -> int | float:
    """1 where it is allowed, else what is nearest to it."""
    if leads_outside(schema, place.name) or _points(place.name):
        raise _wanting(schema, place)
    low, high = (
        _bound(schema, "minimum", "exclusiveMinimum", whole=whole),
        _bound(schema, "maximum", "exclusiveMaximum", whole=whole),
    )
    value = min(max(1, low), high)
    step = schema.get("multipleOf")
    if isinstance(step, int | float) and step > 0 and math.isfinite(value / step):
        value = math.ceil(value / step) * step
    return int(value) if whole and math.isfinite(value) else value


def _bound(schema: Mapping[str, Any], inclusive: str, exclusive: str, *, whole: bool) -> float:
    lower = inclusive == "minimum"
    bounds = [-math.inf if lower else math.inf]
    if isinstance(bound := schema.get(inclusive), int | float):
        bounds.append(bound)
    if isinstance(bound := schema.get(exclusive), int | float):
        beyond = 1 if whole else max(abs(bound), 1) * 1e-6
        bounds.append(bound + beyond if lower else bound - beyond)
    return max(bounds) if lower else min(bounds)


def _text(schema: Mapping[str, Any], place: _Place) -> str:
    format_ = schema.get("format")
    if isinstance(format_, str) and format_ in _BY_FORMAT:
        return _BY_FORMAT[format_]
    last = (spoken(place.name) or [""])[-1].removesuffix("s")
    special = format_ or schema.get("pattern") or _LANGUAGE.search(f"{schema.get('description')} {schema.get('title')}")
    if leads_outside(schema, place.name) or _points(place.name) or special or last not in _FREE_TEXT:
        raise _wanting(schema, place)
    text, least, most = _FREE_TEXT[last], schema.get("minLength"), schema.get("maxLength")
    if isinstance(least, int):
        text = (text + " " + text * (least // len(text)))[: max(least, len(text))]
    return text[:most] if isinstance(most, int) else text


def _wanting(schema: Mapping[str, Any], place: _Place) -> NoQuery:
    what = f"needs {place.name!r}" if place.name else "needs a value"
    if leads_outside(schema, place.name):
        return NoQuery(f"{what}, which leads out of the tool", unsafe=True)
    return NoQuery(f"{what}, of which its schema gives no example")


def _first_of(options: list[Any], schema: Mapping[str, Any], place: _Place) -> Any:
    """The value of the first option that has one; null only when no other has."""
    shared = {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf"}}
    problem: NoQuery | None = None
    last = [option for option in options if isinstance(option, Mapping) and option.get("type") == "null"]
    for option in [*(option for option in options if option not in last), *last]:
        try:
            return _value({**shared, **option} if isinstance(option, Mapping) else shared, place)
        except NoQuery as error:
            problem = problem or error
    raise problem or _wanting(schema, place)


def _merged(schema: Mapping[str, Any], parts: list[Any], place: _Place) -> dict[str, Any]:
    whole = {key: value for key, value in schema.items() if key != "allOf"}
    for part in parts:
        if isinstance(part, Mapping) and isinstance(reference := part.get("$ref"), str):
            part = _resolved(reference, place)
        if isinstance(part, Mapping):
            joined = {key: {**whole[key], **part[key]} for key in ("properties",) if _both(whole, part, key, Mapping)}
            joined |= {key: [*whole[key], *part[key]] for key in ("required",) if _both(whole, part, key, list)}
            whole |= {**part, **joined}
    return whole


def _both(one: Mapping[str, Any], other: Mapping[str, Any], key: str, kind: type) -> bool:
    return isinstance(one.get(key), kind) and isinstance(other.get(key), kind)


def _resolved(reference: str, place: _Place) -> Any:
    found: Any = place.root
    for step in reference.removeprefix(_LOCAL).split("/") if reference.startswith(_LOCAL) else [""]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            raise NoQuery(f"its schema refers to {reference!r}, which is not in it")
        found = found[name]
    return found


def _type_of(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _points(name: str) -> bool:
    """Whether a value of this name must exist somewhere; `issue_number` does, a `number` alone is any."""
    said = spoken(name)
    return _names(name, _POINTING) or (len(said) > 1 and said[-1] == "number")


def _names(name: str, meant: frozenset[str]) -> bool:
    """Whether a word of a name is among these, in singular or plural: `fileURLs` has `url`."""
    return any(word in meant or word.removesuffix("s") in meant for word in spoken(name))
