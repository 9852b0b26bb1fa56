"""`Compensation`: the call that takes back what another call has done. The operator declares it; no server can."""

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from retrieval.tool import ToolId

if TYPE_CHECKING:
    from agent.call import Step

_PLACE = re.compile(r"\$(arguments|result)((?:\.[\w-]+)*)")


class Compensation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to call after a tool's success to undo it.

    arguments: JSON; the text `$arguments.name` stands for what the call was given, `$result.name` for what it gave.

    Example:
        {"files/create": Compensation(tool_id="files/delete", arguments={"path": "$arguments.path"})}
    """

    tool_id: ToolId
    arguments: dict[str, Any] = {}

    def filled(self, step: "Step") -> dict[str, Any]:
        """The arguments for undoing one step.

        Raises:
            LookupError: the step was not given, or has not given, what they need.
        """
        return {name: _filled(value, step) for name, value in self.arguments.items()}


def _filled(value: Any, step: "Step") -> Any:
    match value:
        case str():
            found = _PLACE.fullmatch(value)
            return _looked_up(found[1], found[2].split(".")[1:], step) if found else value
        case dict():
            return {key: _filled(inner, step) for key, inner in value.items()}
        case list():
            return [_filled(inner, step) for inner in value]
        case _:
            return value


def _looked_up(what: str, path: list[str], step: "Step") -> Any:
    value: Any = step.call.arguments if what == "arguments" else _result(step, whole=not path)
    for key in path:
        value = value[int(key)] if isinstance(value, list) and key.isdecimal() else _entry(value, key)
    return value


def _entry(value: Any, key: str) -> Any:
    parts: dict[str, Any] = value if isinstance(value, dict) else {}
    return parts[key]


def _result(step: "Step", *, whole: bool) -> Any:
    if step.structured is not None or whole:
        return step.text if step.structured is None else step.structured
    try:
        return json.loads(step.text)
    except ValueError:
        raise LookupError("the result has no parts") from None
