"""The official MCP registry's `server.json`: packages become commands, remotes become URLs.

Both spellings are read: camelCase (2025-09 and later) and the older snake_case. Arguments become argv, never a shell's
line. One offer per name: the version that the registry calls the latest, or else the last one in the file.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mcp_registry.feeds.basket import Basket
from mcp_registry.feeds.launch import NoTransport, offered, read_entry
from mcp_registry.feeds.placeholder import Blanks
from mcp_registry.offer import LaunchOption
from mcp_registry.server import Stdio

_OFFICIAL = "io.modelcontextprotocol.registry/official"
_RUNNERS = {"npm": "npx", "pypi": "uvx", "oci": "docker", "docker": "docker", "nuget": "dnx"}


def is_official(record: Mapping[str, Any]) -> bool:
    """True for a `server.json`, bare or wrapped in the registry's answer."""
    server = record.get("server")
    inner = server if isinstance(server, dict) else record
    has_launch = any(isinstance(inner.get(key), list) for key in ("packages", "remotes"))
    return isinstance(inner.get("name"), str) and (has_launch or isinstance(server, dict) or "version_detail" in inner)


def add_official(records: Iterable[tuple[str, Mapping[str, Any]]], basket: Basket) -> None:
    """Add the newest version of every server that is not deleted."""
    newest: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
    for _, record in records:
        server: Any = record.get("server")
        inner: Mapping[str, Any] = server if isinstance(server, dict) else record
        meta = _meta(record) or _meta(inner)
        known = newest.get(inner["name"])
        if known is None or known[1].get("isLatest") is not True:
            newest[inner["name"]] = (inner, meta)
    for name, (server, meta) in newest.items():
        if meta.get("status", server.get("status")) == "deleted":
            basket.left_out("the registry has deleted them", name)
        else:
            _add_server(server, meta, basket)


def _add_server(server: Mapping[str, Any], meta: Mapping[str, Any], basket: Basket) -> None:
    repository, detail = server.get("repository"), server.get("version_detail")
    basket.add_offer(
        server["name"],
        source="MCP registry",
        card={"title": server.get("title"), "description": server.get("description")},
        launch=list(_launch(server, basket)),
        about={
            "repository": repository.get("url") if isinstance(repository, dict) else None,
            "homepage": _get(server, "websiteUrl", "website_url"),
            "version": server.get("version") or (detail.get("version") if isinstance(detail, dict) else None),
            "status": meta.get("status"),
        },
    )


def _launch(server: Mapping[str, Any], basket: Basket) -> Iterator[LaunchOption]:
    short = str(server["name"]).rsplit("/", 1)[-1]
    for package in _items(server, "packages"):
        kind = _package_kind(package)
        try:
            yield _package_option(package, kind, Blanks(short))
        except NoTransport as error:
            basket.left_out(f"their {kind or 'unknown'} package is no launch option: {error}", server["name"])
    for remote in _items(server, "remotes"):
        blanks = Blanks(short)
        headers = {str(item.get("name")): _setting(item, blanks) for item in _items(remote, "headers")}
        entry = {
            "url": remote.get("url"),
            "type": _get(remote, "type", "transport_type"),
            "headers": {name: value for name, value in headers.items() if value is not None},
        }
        try:
            yield offered(read_entry(entry), label="remote", blanks=blanks)
        except NoTransport as error:
            basket.left_out(f"their remote is no launch option: {error}", server["name"])


def _package_option(package: Mapping[str, Any], kind: str, blanks: Blanks) -> LaunchOption:
    transport = package.get("transport")
    if isinstance(transport, dict) and transport.get("type") not in {None, "stdio"}:
        raise NoTransport("it is started by hand and then reached by URL")
    identifier = str(_get(package, "identifier", "name") or "")
    if kind not in _RUNNERS or not identifier:
        raise NoTransport("no known program runs it")
    env: dict[str, str] = {}
    for item in _items(package, "environmentVariables", "environment_variables"):
        value = _setting(item, blanks)
        if value is not None:
            env[str(item.get("name"))] = value
    runtime = list(_arguments(_items(package, "runtimeArguments", "runtime_arguments"), blanks))
    own = list(_arguments(_items(package, "packageArguments", "package_arguments"), blanks))
    args = [*_runner_args(kind, runtime, env), _pinned(kind, identifier, package.get("version")), *own]
    return offered(Stdio(command=_RUNNERS[kind], args=tuple(args), env=env), label=kind, blanks=blanks)


def _package_kind(package: Mapping[str, Any]) -> str:
    said = _get(package, "registryType", "registry_type", "registry", "registry_name")
    return str(said or "").lower()


def _runner_args(kind: str, runtime: list[str], env: Mapping[str, str]) -> list[str]:
    match kind:
        case "npm":
            return ["-y", *(word for word in runtime if word != "-y")]
        case "oci" | "docker":
            standard = ["run", "-i", "--rm"]
            own = [word for word in runtime if word not in standard]
            passed = [word for name in env if name not in own for word in ("-e", name)]
            return [*standard, *own, *passed]
        case "nuget":
            return [*runtime, "--yes"]
        case _:
            return runtime


def _pinned(kind: str, identifier: str, version: object) -> str:
    """The package at the version that the registry knows; an image's tag is part of its identifier."""
    if not isinstance(version, str) or not version or version == "latest":
        return identifier
    if kind in {"oci", "docker"}:
        tagged = ":" in identifier.rsplit("/", 1)[-1] or "@" in identifier
        return identifier if tagged else f"{identifier}:{version}"
    return f"{identifier}@{version}"


def _arguments(items: Iterable[Mapping[str, Any]], blanks: Blanks) -> Iterator[str]:
    for item in items:
        name, value = item.get("name"), _setting(item, blanks)
        if item.get("type") != "named":
            if value is not None:
                yield value
        elif isinstance(name, str) and " " in name:
            # The older form repeats a flag and its value in both.
            yield from _words(blanks.text(name))
        elif isinstance(name, str) and (value is not None or not _required(item)):
            if value is not None:
                yield from (name, value)
            elif not _get(item, "valueHint", "value_hint"):
                yield name


def _setting(item: Mapping[str, Any], blanks: Blanks) -> str | None:
    """The value of a variable, a header or an argument; None for one that may be left away."""
    name = str(item.get("name") or _get(item, "valueHint", "value_hint") or "value")
    value = item.get("value")
    if isinstance(value, str) and value:
        return blanks.text(value)
    default = item.get("default")
    secret = _get(item, "isSecret", "is_secret") is True
    if isinstance(default, str) and default and not secret:
        return blanks.reference(name, default=default)
    if not _required(item):
        return blanks.reference(name, default="") if item.get("name") and "type" not in item else None
    return blanks.reference(name, about=str(item.get("description") or ""))


def _required(item: Mapping[str, Any]) -> bool:
    return _get(item, "isRequired", "is_required") is True


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return re.split(r"\s+", line)


def _meta(record: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = record.get("_meta")
    official = meta.get(_OFFICIAL) if isinstance(meta, dict) else None
    return official if isinstance(official, dict) else {}


def _get(holder: Mapping[str, Any], *keys: str) -> Any:
    return next((holder[key] for key in keys if holder.get(key) is not None), None)


def _items(holder: Mapping[str, Any], *keys: str) -> list[Mapping[str, Any]]:
    found = _get(holder, *keys)
    return [item for item in (found if isinstance(found, list) else ()) if isinstance(item, dict)]
