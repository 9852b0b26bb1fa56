"""The functions that programs have, besides tools: Python's own, on plain values, charged for what they read."""

from collections.abc import Callable, Sequence
from typing import Any

from agent.code_mode.meter import Meter, checked_number
from agent.code_mode.operators import shown
from agent.code_mode.problem import ProgramError

Key = Callable[[Any], Any]

TYPES: dict[str, type[Any] | tuple[type[Any], ...]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "list": list,
    "dict": dict,
    "tuple": tuple,
}
"""What `isinstance` may be asked about."""

NAMES = frozenset(
    [
        *TYPES,
        "len", "range", "abs", "min", "max", "sum", "round", "sorted", "reversed", "enumerate", "zip", "any", "all",
        "set", "isinstance", "print", "search_tools",
    ]
)  # fmt: skip


def listed(value: Any, meter: Meter) -> list[Any]:
    """The items of anything that can be looped over, in order."""
    if not isinstance(value, str | list | tuple | dict | range):
        raise ProgramError(f"{type(value).__name__} cannot be looped over")
    meter.items(len(value))
    return list(value)


def call_builtin(name: str, given: list[Any], meter: Meter, *, key: Key | None, reverse: bool) -> Any:
    """name(*given), with the `key` and `reverse` of those that have them."""
    match name, given:
        case (("min" | "max" | "sorted"), [first, *rest]):
            return _ordered(name, [first, *rest] if rest else listed(first, meter), meter, key, reverse)
        case _ if key is not None or reverse:
            raise ProgramError(f"{name} takes no key and no reverse")
        case "len", [value]:
            return _length(value)
        case "range", [_, *_]:
            made = range(*given)
            meter.items(len(made))
            return made
        case "isinstance", [value, kinds]:
            return isinstance(value, kinds)
        case (("str" | "int" | "float" | "bool"), _):
            return _converted(name, given, meter)
        case (("list" | "dict" | "tuple" | "set" | "reversed" | "enumerate" | "zip"), _):
            return _collected(name, given, meter)
        case (("abs" | "round" | "sum" | "any" | "all"), [_, *_]):
            return _summed(name, given, meter)
        case _:
            raise ProgramError(f"{name} cannot be called with {len(given)} arguments here")


def _length(value: Any) -> int:
    if not isinstance(value, str | list | tuple | dict | range):
        raise ProgramError(f"{type(value).__name__} has no length")
    return len(value)


def _ordered(name: str, values: list[Any], meter: Meter, key: Key | None, reverse: bool) -> Any:
    keys = [key(value) for value in values] if key else values
    meter.weigh(keys)
    meter.weigh(keys)  # a sort compares each more than once
    order = sorted(range(len(values)), key=keys.__getitem__, reverse=reverse or name == "max")
    if name == "sorted":
        return [values[place] for place in order]
    if not order:
        raise ProgramError(f"{name} of nothing")
    return values[order[0]]


def _converted(name: str, given: list[Any], meter: Meter) -> Any:
    match name, given:
        case "str", [value]:
            return shown(value, meter)
        case "bool", [value]:
            return bool(value)
        case "int", [str() | int() | float() as value]:
            meter.weigh(value)
            return checked_number(int(value))
        case "float", [str() | int() | float() as value]:
            meter.weigh(value)
            return float(value)
        case _:
            raise ProgramError(f"{name} takes one number or text here")


def _collected(name: str, given: list[Any], meter: Meter) -> Any:
    match name, given:
        case (("list" | "dict" | "tuple" | "set"), []):
            return {"list": [], "dict": {}, "tuple": (), "set": []}[name]
        case "list", [value]:
            return listed(value, meter)
        case "tuple", [value]:
            return tuple(listed(value, meter))
        case "dict", [value]:
            meter.weigh(value)
            return dict(value)
        case "set", [value]:
            # The order of Python's sets differs from process to process, and a resumed program must go the same way.
            meter.weigh(value)
            return list(dict.fromkeys(listed(value, meter)))
        case "reversed", [value]:
            return listed(value, meter)[::-1]
        case "enumerate", [value, *start]:
            return list(enumerate(listed(value, meter), *start))
        case "zip", values:
            return list(zip(*(listed(value, meter) for value in values), strict=False))
        case _:
            raise ProgramError(f"{name} cannot be called with {len(given)} arguments here")


def _summed(name: str, given: Sequence[Any], meter: Meter) -> Any:
    match name, given:
        case "abs", [int() | float() as value]:
            return abs(value)
        case "round", [int() | float() as value]:
            return round(value)
        case "round", [int() | float() as value, int() as digits] if abs(digits) < 100:
            return round(value, digits)
        case "sum", [values]:
            numbers = listed(values, meter)
            if not all(isinstance(each, int | float) for each in numbers):
                raise ProgramError("sum adds numbers only")
            meter.weigh(numbers)
            return checked_number(sum(numbers))
        case "any", [values]:
            return any(listed(values, meter))
        case "all", [values]:
            return all(listed(values, meter))
        case _:
            raise ProgramError(f"{name} cannot be called so")
