"""The options of a run: those of the settings, and over them what was given for this one."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from agent.errors import BadAgentSettings
from agent.options import Options
from mcp_registry.home import Home
from mcp_registry.settings import load_section

CHOICES: dict[str, tuple[str, ...]] = {
    name: get_args(kind) for name, kind in get_type_hints(Options).items() if get_origin(kind) is Literal
}
"""The options that have one of a few values, and which."""


def options_given(home: Home, given: Mapping[str, Any], named: Sequence[str] = ()) -> Options:
    """Defaults < [agent] in quartermaster.toml < QUARTERMASTER_AGENT_* < `named` (NAME=VALUE) < `given`.

    What is None in `given` was not given.

    Raises:
        BadAgentSettings: no such option, or a value that it cannot have; with the nearest name. BadSettings: the file.
    """
    return with_options(
        load_section(home, "agent", Options),
        {**pairs(named), **{name: value for name, value in given.items() if value is not None}},
    )


def with_options(options: Options, given: Mapping[str, Any]) -> Options:
    """The options with some of them replaced.

    Raises:
        BadAgentSettings: no such option, or a value that it cannot have.
    """
    fields = Options.__struct_fields__
    for name in given:
        if name not in fields:
            close = get_close_matches(name, fields, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(fields)}"
            raise BadAgentSettings(f"no option {name!r} of a run; {hint}")
    try:
        return msgspec.convert({**msgspec.to_builtins(options), **given}, Options, strict=False)
    except msgspec.ValidationError as error:
        choices = [f"{name} is one of {', '.join(CHOICES[name])}" for name in given if name in CHOICES]
        raise BadAgentSettings("; ".join([f"option of a run: {error}", *choices])) from None


def pairs(named: Sequence[str]) -> dict[str, str]:
    """Options written as NAME=VALUE, by name.

    Raises:
        BadAgentSettings: one has no `=`.
    """
    return dict(map(_pair, named))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadAgentSettings(f"{text!r} is not NAME=VALUE")
    return name.strip().replace("-", "_"), value.strip()
