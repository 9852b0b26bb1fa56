"""Operators of programs: as in Python, on plain values only, and charged for before they work."""

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

from agent.code_mode.meter import MOST_BITS, Meter, checked_number
from agent.code_mode.problem import ProgramError, Stopped

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
_SPEC = re.compile(r"(.?[<>=^])?[+\- ]?#?0?(\d{0,3})[,_]?(\.\d{1,2})?[a-zA-Z%]?")
_MOST_WIDTH = 200


def binary(kind: ast.operator, left: Any, right: Any, meter: Meter) -> Any:
    """left OP right."""
    if isinstance(left, int | float) and isinstance(right, int | float):
        return checked_number(_number(kind, left, right))
    if isinstance(kind, ast.Mult):
        return _repeated(left, right, meter)
    if isinstance(kind, ast.Add) and type(left) is type(right):
        match left:
            case str():
                meter.text(len(left) + len(right))
                return left + right
            case list() | tuple():
                meter.items(len(left) + len(right))
                return left + right
            case _:
                pass
    raise ProgramError(f"{_kind(left)} and {_kind(right)} cannot be combined by {type(kind).__name__}")


def _number(kind: ast.operator, left: float, right: float) -> Any:
    whole = isinstance(left, int) and isinstance(right, int)
    if isinstance(kind, ast.Mult):
        if whole and int(left).bit_length() + int(right).bit_length() > MOST_BITS:
            raise Stopped("a whole number is too large")
        return left * right
    if isinstance(kind, ast.Pow):
        if whole and right > 0 and int(left).bit_length() * right > MOST_BITS:
            raise Stopped("a whole number is too large")
        return left**right
    return _ARITHMETIC[type(kind)](left, right)


def _repeated(left: Any, right: Any, meter: Meter) -> Any:
    sequence, times = (right, left) if isinstance(left, int) else (left, right)
    if not isinstance(times, int) or not isinstance(sequence, str | list | tuple):
        raise ProgramError(f"{_kind(left)} and {_kind(right)} cannot be multiplied")
    length = len(sequence) * max(0, times)
    meter.text(length) if isinstance(sequence, str) else meter.items(length)
    return sequence * times


def unary(kind: ast.unaryop, value: Any) -> Any:
    """OP value."""
    if isinstance(kind, ast.Not):
        return not value
    if not isinstance(value, int | float):
        raise ProgramError(f"{_kind(value)} has no sign")
    return -value if isinstance(kind, ast.USub) else +value


def compare(kind: ast.cmpop, left: Any, right: Any, meter: Meter) -> bool:
    """left OP right, for one comparison of a chain."""
    meter.weigh(right)
    if not isinstance(kind, ast.Is | ast.IsNot):
        meter.weigh(left)
    if isinstance(kind, ast.In | ast.NotIn):
        if not isinstance(right, str | list | tuple | dict | range):
            raise ProgramError(f"{_kind(right)} holds nothing that something could be in")
        return (left in right) is isinstance(kind, ast.In)
    return bool(_COMPARISONS[type(kind)](left, right))


def item(value: Any, index: Any, meter: Meter) -> Any:
    """value[index], a slice too."""
    if not isinstance(value, str | list | tuple | dict | range):
        raise ProgramError(f"{_kind(value)} has no items")
    if isinstance(index, slice):
        size = len(value)
        meter.text(size) if isinstance(value, str) else meter.items(size)
    elif isinstance(value, dict):
        meter.weigh(index)
        if index not in value:
            raise ProgramError(f"there is no key {index!r}; there are {list(value)[:20]}")
    return value[index]


def put(value: Any, index: Any, new: Any, meter: Meter) -> None:
    """value[index] = new, in a list or a dict."""
    if isinstance(value, list) and isinstance(index, int):
        value[index] = new
    elif isinstance(value, dict):
        meter.weigh(index)
        meter.items(0)
        value[index] = new
        if len(value) % 1_000 == 0:
            meter.items(len(value))
    else:
        raise ProgramError(f"items of {_kind(value)} cannot be set so")


def shown(value: Any, meter: Meter, *, quoted: bool = False) -> str:
    """The value as `str` or `repr` has it."""
    meter.weigh(value)
    if isinstance(value, str) and not quoted:
        return value
    text = repr(value)
    meter.text(len(text))
    return text


def formatted(value: Any, spec: str, meter: Meter) -> str:
    """The value in an f-string."""
    if not spec:
        return shown(value, meter)
    match = _SPEC.fullmatch(spec)
    if match is None or int(match[2] or 0) > _MOST_WIDTH or not isinstance(value, str | int | float):
        raise ProgramError(f"the format {spec!r} cannot be used here")
    meter.weigh(value)
    return format(value, spec)


def _kind(value: Any) -> str:
    name = type(value).__name__
    return "None" if value is None else f"an {name}" if name == "int" else f"a {name}"
