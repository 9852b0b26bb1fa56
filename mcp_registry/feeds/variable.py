"""`fill_variables`: the variables of clients' configurations as `${NAME}` references or as their values.

`${env:X}`, `$X` and OpenCode's `{env:X}` become `${X}`. `${input:id}` becomes `${ID}` with a note, as nobody is there
to ask. `${workspaceFolder}` becomes the project's folder: for `.vscode/mcp.json` the one above `.vscode`. `${userHome}`
becomes `${HOME}`. Any other variable of an editor cannot be resolved outside it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mcp_registry.feeds.launch import NoTransport
from mcp_registry.feeds.name import as_variable
from mcp_registry.server import Http, Stdio, Transport

_VARIABLE = re.compile(r"\$\{([^{}]*)\}|\{(env:[^{}]+)\}")
_BARE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(slots=True, kw_only=True)
class Setting:
    """What the variables of one configuration may refer to. `notes` collects what the operator must export."""

    file: Path
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    notes: list[str] = field(default_factory=list[str])

    @property
    def folder(self) -> Path:
        """The project that the file belongs to."""
        folder = self.file.absolute().parent
        return folder.parent if folder.name in {".vscode", ".cursor", ".zed", ".gemini"} else folder


def fill_variables(transport: Transport, server: str, setting: Setting) -> Transport:
    """The same transport with only such variables as `resolve` knows.

    Raises:
        NoTransport: it has a variable that only its editor can resolve.
    """

    def fill(text: str) -> str:
        return _VARIABLE.sub(lambda match: _value(match[1] or match[2] or "", server, setting), text)

    def fill_all(texts: Mapping[str, str]) -> dict[str, str]:
        # A whole value `$NAME` is Gemini's way to write `${NAME}`.
        return {key: fill(_BARE.sub(r"${\1}", text) if _BARE.fullmatch(text) else text) for key, text in texts.items()}

    match transport:
        case Stdio() as stdio:
            return replace(
                stdio,
                command=_at_home(fill(stdio.command)),
                args=tuple(fill(arg) for arg in stdio.args),
                env=fill_all(stdio.env),
                cwd=_at_home(fill(stdio.cwd)) if stdio.cwd else None,
            )
        case Http() as http:
            return replace(http, url=fill(http.url), headers=fill_all(http.headers))


def _value(variable: str, server: str, setting: Setting) -> str:
    kind, _, name = variable.partition(":")
    fixed: dict[str, Callable[[], str]] = {
        "workspaceFolder": lambda: str(setting.folder),
        "workspaceRoot": lambda: str(setting.folder),
        "workspaceFolderBasename": lambda: setting.folder.name,
        "userHome": lambda: "${HOME}",
        "pathSeparator": lambda: "/",
        "/": lambda: "/",
    }
    if variable in fixed:
        return fixed[variable]()
    if kind == "env" and name:
        return f"${{{as_variable(name)}}}"
    if kind == "input" and name:
        return _asked(name, server, setting)
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*(?::-.*)?", variable, re.DOTALL):
        return f"${{{variable}}}"
    if ":" in variable or not variable:
        raise NoTransport(f"only its editor can resolve ${{{variable[:60]}}}")
    return f"${{{as_variable(variable)}}}"


def _asked(name: str, server: str, setting: Setting) -> str:
    """A reference for what an editor would ask its user; a default stands in, unless it is a password."""
    variable = as_variable("", name)
    asked = setting.inputs.get(name, {})
    default = asked.get("default")
    if isinstance(default, str) and default and asked.get("password") is not True and not re.search(r"[{}$]", default):
        return f"${{{variable}:-{default}}}"
    about = asked.get("description")
    said = f" ({about})" if isinstance(about, str) and about else ""
    note = f"server {server!r}: export {variable}=..., which the editor would ask for{said}"
    if note not in setting.notes:
        setting.notes.append(note)
    return f"${{{variable}}}"


def _at_home(path: str) -> str:
    return "${HOME}" + path[1:] if path.startswith("~/") else path
