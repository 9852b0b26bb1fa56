"""The methods that values of programs have: looked up by exact type in a fixed list, never by attribute."""

from typing import Any

from agent.code_mode.builtins import Key, call_builtin, listed
from agent.code_mode.meter import Meter
from agent.code_mode.problem import ProgramError

_TEXT = frozenset(
    [
        "lower", "upper", "title", "capitalize", "casefold", "strip", "lstrip", "rstrip", "split", "rsplit",
        "splitlines", "partition", "rpartition", "startswith", "endswith", "removeprefix", "removesuffix", "find",
        "rfind", "index", "count", "isdigit", "isnumeric", "isalpha", "isalnum", "isspace", "islower", "isupper",
    ]
)  # fmt: skip
_LIST = frozenset(["pop", "index", "count", "remove", "clear", "copy", "reverse"])
_DICT = frozenset(["get", "pop", "copy", "clear", "setdefault"])


def call_method(value: Any, name: str, given: list[Any], meter: Meter, *, key: Key | None, reverse: bool) -> Any:
    """value.name(*given)."""
    if isinstance(value, list) and name == "sort":
        value[:] = call_builtin("sorted", [value], meter, key=key, reverse=reverse)
        return None
    if key is not None or reverse:
        raise ProgramError(f"{name} takes no key and no reverse")
    match value:
        case str():
            return _of_text(value, name, given, meter)
        case list():
            return _of_list(value, name, given, meter)
        case tuple() if name in {"index", "count"}:
            meter.weigh([value, given])
            return getattr(value, name)(*given)
        case dict():
            return _of_dict(value, name, given, meter)
        case _:
            raise _unknown(value, name)


def _of_text(value: str, name: str, given: list[Any], meter: Meter) -> Any:
    if name == "join":
        parts = listed(given[0], meter) if len(given) == 1 else []
        if not all(isinstance(part, str) for part in parts) or len(given) != 1:
            raise ProgramError("join takes one list of texts; make them texts by str first")
        meter.text(sum(map(len, parts)) + len(value) * len(parts))
        return value.join(parts)
    if name == "replace":
        match given:
            case [str() as old, str() as new]:
                meter.text(len(value))
                meter.text(len(value) + value.count(old) * len(new))
                return value.replace(old, new)
            case _:
                raise ProgramError("replace takes two texts")
    if name not in _TEXT:
        raise _unknown(value, name)
    meter.weigh(given)
    meter.text(3 * len(value))
    if name in {"split", "rsplit", "splitlines"}:
        meter.items(min(len(value), _pieces(value, given)))
    return getattr(value, name)(*given)


def _pieces(value: str, given: list[Any]) -> int:
    """At most so many parts come of splitting it."""
    separator = given[0] if given and isinstance(given[0], str) and given[0] else None
    return value.count(separator) + 1 if separator else len(value.split()) + value.count("\n") + 1


def _of_list(value: list[Any], name: str, given: list[Any], meter: Meter) -> Any:
    match name, given:
        case "append", [new]:
            value.append(new)
            meter.charge()
            if len(value) % 1_000 == 0:
                meter.items(len(value))
            return None
        case "extend", [more]:
            new = listed(more, meter)
            meter.items(len(value) + len(new))
            return value.extend(new)
        case "insert", [int() as place, new]:
            meter.items(len(value))
            return value.insert(place, new)
        case _ if name in _LIST:
            meter.weigh([value, given]) if name in {"index", "count", "remove"} else meter.items(len(value))
            return getattr(value, name)(*given)
        case _:
            raise _unknown(value, name)


def _of_dict(value: dict[Any, Any], name: str, given: list[Any], meter: Meter) -> Any:
    match name, given:
        case "keys", []:
            return listed(value, meter)
        case "values", []:
            meter.items(len(value))
            return list(value.values())
        case "items", []:
            meter.items(len(value))
            return list(value.items())
        case "update", [dict() as more]:
            meter.items(len(value) + len(more))
            return value.update(more)
        case _ if name in _DICT:
            meter.weigh(given[:1])
            meter.items(len(value) if name in {"copy", "clear"} else 0)
            return getattr(value, name)(*given)
        case _:
            raise _unknown(value, name)


def _unknown(value: Any, name: str) -> ProgramError:
    if isinstance(value, dict):
        return ProgramError(f"a dict has no method {name!r}; its values are reached by [{name!r}]")
    return ProgramError(f"{type(value).__name__} has no method {name!r} here")
