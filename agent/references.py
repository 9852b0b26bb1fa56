"""References in a plan's arguments to the results of earlier steps: `$2.items[0].id`.

    $2                whole text of what step 2 gave
    $2.items[0].id    a value inside its structured result, or inside its text where that is JSON
    ${2.title}        the same inside a longer text
    $$2               the text `$2`: no reference

Steps count from 1 along the way from the root of the plan tree, so that steps taken keep their number.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.call import Step

_PATH = r"(?:\.[\w-]+|\[\d+\]|\[\"[^\"\]]*\"\]|\['[^'\]]*'\])*"
_WHOLE = re.compile(rf"\$([1-9]\d{{0,2}})({_PATH})")
_INSIDE = re.compile(rf"\$\{{([1-9]\d{{0,2}})({_PATH})\}}")
_SEGMENT = re.compile(r"\.([\w-]+)|\[(\d+)\]|\[\"([^\"\]]*)\"\]|\['([^'\]]*)'\]")
_PLAIN_KEY = re.compile(r"[^\W\d][\w-]*")
_MOST_KEYS = 20

PATTERN = r"^\$[0-9]+(\.[a-zA-Z0-9_]+|\[[0-9]+\])*$"
"""What a grammar admits as a reference: a simple form of what is understood."""


class BadReference(ValueError):
    """A reference leads nowhere; the message says what is there instead, for the model to mend it."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The result of step `step` (from 1), or what lies at `path` in it."""

    step: int
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return f"${self._inner}"

    @property
    def inside(self) -> str:
        """As it stands within a longer text."""
        return f"${{{self._inner}}}"

    @property
    def _inner(self) -> str:
        return f"{self.step}{''.join(map(_segment, self.path))}"


def reference(value: object) -> Reference | None:
    """The reference that a value is, if it is one.

    Example:
        "$1.items.0.id" -> Reference(1, ("items", 0, "id"));  "$$1" -> None;  "costs $1" -> None
    """
    found = _WHOLE.fullmatch(value) if isinstance(value, str) else None
    return _read(found) if found else None


def references(value: object) -> Iterator[Reference]:
    """Every reference in a value, at any depth."""
    match value:
        case str():
            whole = reference(value)
            yield from [whole] if whole else map(_read, _INSIDE.finditer(value))
        case dict():
            for inner in value.values():
                yield from references(inner)
        case list():
            for inner in value:
                yield from references(inner)
        case _:
            pass


def normalised(value: Any) -> Any:
    """The same value with every reference in its one spelling, so that equal actions are equal texts."""
    match value:
        case str():
            whole = reference(value)
            return str(whole) if whole else _INSIDE.sub(lambda found: _read(found).inside, value)
        case dict():
            return {key: normalised(inner) for key, inner in value.items()}
        case list():
            return [normalised(inner) for inner in value]
        case _:
            return value


def literal(value: Any, number: int | None = None) -> Any:
    """The same value where what looks like a reference and is none is escaped.

    That is a bare `$k` that no step before step `number` can mean (a price); everything, where no number is given.
    """
    match value:
        case str():
            whole = reference(value)
            is_none = whole is not None and (number is None or (not whole.path and whole.step >= number))
            return f"${value}" if is_none else value
        case dict():
            return {key: literal(inner, number) for key, inner in value.items()}
        case list():
            return [literal(inner, number) for inner in value]
        case _:
            return value


def resolved(value: Any, steps: Sequence[Step]) -> Any:
    """The value with every reference replaced by what it refers to; a reference that is the whole keeps its type.

    Raises:
        BadReference: a step or a path does not exist.
    """
    match value:
        case str():
            return _resolved_text(value, steps)
        case dict():
            return {key: resolved(inner, steps) for key, inner in value.items()}
        case list():
            return [resolved(inner, steps) for inner in value]
        case _:
            return value


def looked_up(wanted: Reference, steps: Sequence[Step]) -> Any:
    """What one reference refers to.

    Raises:
        BadReference: the step or the path does not exist.
    """
    if wanted.step > len(steps):
        raise BadReference(f"{wanted}: there is no step {wanted.step} yet; {len(steps)} steps were taken")
    step = steps[wanted.step - 1]
    if not wanted.path:
        return step.text
    value = _structure(step, wanted)
    for place, key in enumerate(wanted.path):
        found = _inside(value, key)
        if found is _NOTHING and place == 0 and isinstance(value, Mapping) and set(value) == {"result"}:
            found = _inside(value["result"], key)  # servers wrap what is no object as {"result": ...}
        if found is _NOTHING:
            raise BadReference(
                f"{wanted}: step {wanted.step} ({step.call.tool_id}) has no {key!r} there; {_has(value)}"
            )
        value = found
    return value


def _resolved_text(text: str, steps: Sequence[Step]) -> Any:
    if text.startswith("$$") and reference(text[1:]):
        return text[1:]
    whole = reference(text)
    if whole:
        return looked_up(whole, steps)
    return _INSIDE.sub(lambda found: _as_text(looked_up(_read(found), steps)), text)


def _structure(step: Step, wanted: Reference) -> Any:
    if step.structured is not None:
        return step.structured
    try:
        return json.loads(step.text)
    except ValueError:
        raise BadReference(
            f"{wanted}: what step {wanted.step} ({step.call.tool_id}) gave is plain text, without parts; "
            f"${wanted.step} is all of it"
        ) from None


_NOTHING = object()


def _inside(value: Any, key: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(str(key), _NOTHING)
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    return _NOTHING


def _has(value: object) -> str:
    match value:
        case dict():
            names = [str(name) for name in value]
            more = f" and {len(names) - _MOST_KEYS} more" if len(names) > _MOST_KEYS else ""
            return f"there are {', '.join(names[:_MOST_KEYS]) or 'no keys'}{more}"
        case list():
            return f"it is a list of {len(value)}"
        case _:
            return "it has no parts"


def _read(found: re.Match[str]) -> Reference:
    path: list[str | int] = []
    for name, index, *quoted in _SEGMENT.findall(found[2]):
        key = name or index or "".join(quoted)
        path.append(int(key) if (name or index) and key.isdecimal() else key)
    return Reference(int(found[1]), tuple(path))


def _segment(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    if _PLAIN_KEY.fullmatch(key):
        return f".{key}"
    return f"['{key}']" if '"' in key else f'["{key}"]'


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
