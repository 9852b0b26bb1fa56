"""Which models there are: those of the package, and the user's own out of `models.toml` in the state folder."""

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from agent.errors import ModelError
from mcp_registry.home import Home

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*", re.IGNORECASE)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A piece of a model's file: one member of one wheel, as `name==version`."""

    package: str
    member: str
    size: int
    sha256: str


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model: what it is, and where its one file comes from.

    size: in bytes, 0 when it is not known. context: the longest that it was trained for, in tokens; 0: not known.
    path: a file of the user's that is used where it lies; such a model has no url and no parts.
    """

    name: str
    file: str = ""
    size: int = 0
    sha256: str = ""
    licence: str = ""
    parameters: str = ""
    context: int = 0
    about: str = ""
    url: str = ""
    path: str = ""
    parts: tuple[Part, ...] = ()


def own_models_file(home: Home) -> Path:
    """Where a user names models of his own: a table each, with a path, or with a URL and its sha256."""
    return home.path / "models.toml"


def known_models(home: Home) -> dict[str, ModelSpec]:
    """Every model by its name, the user's own first; one of his hides a packaged one of the same name.

    Raises:
        ModelError: the user's file cannot be read, or an entry of it is wrong.
    """
    own = own_models_file(home)
    try:
        written = own.read_text("utf-8")
    except FileNotFoundError:
        written = ""
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{own} cannot be read: {error}") from None
    packaged = _read(files("agent.models").joinpath("manifest.toml").read_text("utf-8"), "the package's manifest")
    users = _read(written, str(own))
    models = {**users, **{name: spec for name, spec in packaged.items() if name not in users}}
    _check_files(models, own)
    return models


def find_model(home: Home, name: str) -> ModelSpec:
    """The model of that name.

    Raises:
        ModelError: there is none; the message has the nearest, or all there are.
    """
    models = known_models(home)
    if found := models.get(name):
        return found
    close = get_close_matches(name, models, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(models)}"
    raise ModelError(f"no model {name!r}: {hint} (models of your own: {own_models_file(home)})")


def _read(text: str, where: str) -> dict[str, ModelSpec]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{where} is no TOML: {error}") from None
    return {name: _spec(name, table, where) for name, table in tables.items()}


def _spec(name: str, table: Any, where: str) -> ModelSpec:
    place = f"{where}, [{name}]"
    if not isinstance(table, Mapping):
        raise ModelError(f"{where}: {name!r} stands outside a table; write it below [NAME]")
    try:
        spec = msgspec.convert({**table, "name": name}, ModelSpec)
    except msgspec.ValidationError as error:
        raise ModelError(f"{place}: {error}") from None
    spec = msgspec.structs.replace(spec, file=spec.file or _file_name(spec), sha256=spec.sha256.lower())
    if problem := _problem(spec):
        raise ModelError(f"{place}: {problem}")
    return spec


def _check_files(models: Mapping[str, ModelSpec], own: Path) -> None:
    """Two models that lie in the same file would delete each other's."""
    owners: dict[str, ModelSpec] = {}
    for spec in models.values():
        other = owners.setdefault(spec.file, spec) if not spec.path else spec
        if other.sha256 != spec.sha256:
            raise ModelError(
                f"{own}: {other.name} and {spec.name} are different models in a file of the same name, {spec.file}; "
                f"write another one: file = '{other.name}.gguf'"
            )


def _file_name(spec: ModelSpec) -> str:
    """The last part of the path or of the URL."""
    return Path(spec.path).name or PurePosixPath(unquote(urlsplit(spec.url).path)).name


def _problem(spec: ModelSpec) -> str:
    """What is wrong with an entry; empty when nothing is."""
    if not _NAME.fullmatch(spec.name):
        return "a name has letters, digits, '.', '_' and '-' only"
    if spec.path and (spec.url or spec.parts):
        return "it has a path and a source to pull it from; write one of them"
    if not (spec.path or spec.url or spec.parts):
        return "it has no path and no url"
    if spec.url and urlsplit(spec.url).scheme not in {"http", "https"}:
        return f"the url {spec.url!r} is not http or https"
    if not _NAME.fullmatch(spec.file) or not spec.file.endswith(".gguf"):
        return f"file must be the plain name of a .gguf file, not {spec.file!r}"
    if spec.sha256 and not _SHA256.fullmatch(spec.sha256):
        return "sha256 must be 64 hexadecimal digits"
    if not spec.path and not spec.sha256:
        return "what is fetched must be known by its sha256"
    if spec.parts and sum(part.size for part in spec.parts) != spec.size:
        return "the sizes of its parts do not add up to its size"
    return ""
