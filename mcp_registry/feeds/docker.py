"""Docker's MCP registry: an image with its configuration, or a remote server, as a launch option."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mcp_registry.feeds.launch import offered, read_entry
from mcp_registry.feeds.placeholder import Blanks
from mcp_registry.feeds.secret import looks_secret
from mcp_registry.offer import LaunchOption
from mcp_registry.server import Stdio

_TEMPLATE = re.compile(r"\{\{\s*([\w.-]+)((?:\|[^}|]*)*)\s*\}\}")
_BARE = re.compile(r"\$([A-Z_][A-Z0-9_]*)")


def docker_option(record: Mapping[str, Any]) -> LaunchOption:
    """`docker run` of the image with every variable, volume and argument, or the remote URL with its headers.

    What the configuration does not require is `${NAME:-}`, which may stay unset; volumes that it does not require are
    left away.

    Raises:
        NoTransport: the entry cannot be started as it stands.
    """
    image = _Image(record)
    remote: Any = record.get("remote")
    if isinstance(remote, dict) and not record.get("image"):
        entry = {"url": remote.get("url"), "type": remote.get("transport_type"), "headers": remote.get("headers")}
        return offered(read_entry(entry), label="remote", blanks=image.blanks)
    env = image.env()
    args = ["run", "-i", "--rm", *image.options()]
    for name in env:
        args += ["-e", name]
    args += [str(record["image"]), *image.command()]
    return offered(Stdio(command="docker", args=tuple(args), env=env), label="docker", blanks=image.blanks)


class _Image:
    def __init__(self, record: Mapping[str, Any]) -> None:
        config, run = record.get("config"), record.get("run")
        self._server: str = record["server"]
        self._config: Mapping[str, Any] = config if isinstance(config, dict) else {}
        self._run: Mapping[str, Any] = run if isinstance(run, dict) else {}
        self._secrets = list(_items(self._config, "secrets"))
        self._mounted = {match[1] for volume in _texts(self._run, "volumes") for match in _TEMPLATE.finditer(volume)}
        about = {_env_name(item): _about(item) for item in (*self._secrets, *_items(self._config, "env"))}
        self.blanks = Blanks(self._server, about=about)

    def env(self) -> dict[str, str]:
        """Every variable of the container. Docker passes those that have a value."""
        env: dict[str, str] = {}
        for item in self._secrets:
            name = _env_name(item)
            env[name] = self.blanks.reference(name, default="" if item.get("required") is False else None)
        for item in _items(self._config, "env"):
            env[_env_name(item)] = self._env_value(item)
        own: Any = self._run.get("env")
        for name, value in own.items() if isinstance(own, dict) else ():
            env[str(name)] = _BARE.sub(r"${\1}", str(value))
        return {name: value for name, value in env.items() if name}

    def options(self) -> Iterator[str]:
        """Volumes, user, ports and network, as `docker run` takes them."""
        for volume in (*_texts(self._run, "volumes"), *_texts(self._config, "volumes")):
            if self._wanted(volume):
                yield from ("-v", self._fill(volume))
        if user := self._run.get("user"):
            yield from ("--user", self._fill(str(user)))
        for port in _texts(self._run, "ports"):
            yield from ("-p", port)
        if self._run.get("disableNetwork") is True:
            yield from ("--network", "none")

    def command(self) -> list[str]:
        return [_BARE.sub(r"${\1}", self._fill(word)) for word in _texts(self._run, "command")]

    def _env_value(self, item: Mapping[str, Any]) -> str:
        name, value = _env_name(item), item.get("value")
        if value is None:
            return self.blanks.reference(name)
        template = _TEMPLATE.fullmatch(str(value))
        return self._reference(template[1], name=name) if template else self._fill(str(value))

    def _fill(self, text: str) -> str:
        """A text without templates. Of a list of folders there is one; `|volume` mounts it where it is."""

        def fill(match: re.Match[str]) -> str:
            reference = self._reference(match[1])
            return f"{reference}:{reference}" if "volume" in match[2].split("|") else reference

        return _TEMPLATE.sub(fill, text)

    def _reference(self, path: str, *, name: str | None = None) -> str:
        schema, required = self._parameter(path)
        default = _default(schema)
        if default is None and not required and path not in self._mounted:
            default = ""
        variable = name or f"{self._server} {path.partition('.')[2] or path}"
        return self.blanks.reference(variable, about=_about(schema), default=default)

    def _wanted(self, volume: str) -> bool:
        """False for a volume of a parameter that may be left away."""
        found = _TEMPLATE.search(volume)
        if not found:
            return True
        schema, required = self._parameter(found[1])
        return required or "default" in schema or "required" not in self._parameters()

    def _parameters(self) -> Mapping[str, Any]:
        own: Any = self._config.get("parameters")
        return own if isinstance(own, dict) else self._config

    def _parameter(self, path: str) -> tuple[Mapping[str, Any], bool]:
        schema: Any = self._parameters()
        required = False
        for part in path.split(".")[1:]:
            names = schema.get("required")
            required = isinstance(names, list) and part in names
            properties = schema.get("properties")
            schema = properties.get(part) if isinstance(properties, dict) else None
            if not isinstance(schema, dict):
                return {}, required
        return schema, required


def _default(schema: Mapping[str, Any]) -> str | None:
    """The parameter's default; None for one that only its author's machine has."""
    match schema.get("default"):
        case bool() as flag:
            return str(flag).lower()
        case str() | int() | float() as value:
            return None if re.search(r"^/Users/|^/home/|\$", str(value)) else str(value)
        case _:
            return None


def _about(item: Mapping[str, Any]) -> str:
    said, example = item.get("description"), item.get("example")
    if said:
        return str(said)
    secret = "env" in item or looks_secret(_env_name(item), str(example))
    return f"for example {example}" if example and not secret else ""


def _env_name(item: Mapping[str, Any]) -> str:
    return str(item.get("env") or item.get("name") or "")


def _items(holder: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    found: Any = holder.get(key)
    return (item for item in (found if isinstance(found, list) else ()) if isinstance(item, dict))


def _texts(holder: Mapping[str, Any], key: str) -> list[str]:
    found: Any = holder.get(key)
    return [item for item in (found if isinstance(found, list) else ()) if isinstance(item, str)]
