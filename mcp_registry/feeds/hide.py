"""`hide_secrets`: literal secrets become `${NAME}` references, and their values are forgotten."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mcp_registry.feeds import secret
from mcp_registry.feeds.name import as_variable
from mcp_registry.feeds.secret import looks_secret
from mcp_registry.server import Http, Stdio, Transport

_PAIR = re.compile(r"(-{1,2}[A-Za-z][\w.-]*|[A-Za-z_][\w.-]*)=([\s\S]+)")
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]*)(:\s*)([^\s/][\s\S]*)")
_NEXT_FLAG = re.compile(r"--[a-z][a-z0-9-]*(?:=.*)?|-[A-Za-z]{1,8}")
_DEFAULT = re.compile(r"\$\{(\w+):-([^}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """A transport without literal secrets. `variables` maps each variable to be exported to where its value stood."""

    transport: Transport
    variables: Mapping[str, str] = field(default_factory=dict[str, str])


class Variables:
    """Names the variables of one file. One name stands for one value, so that no server gets another one's secret."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def name_for(self, value: str, *wanted: str) -> str:
        """The first of the wanted names that is free or already stands for this very value."""
        numbered = [f"{wanted[-1]}_{number}" for number in range(2, len(self._values) + 3)]
        name = next(name for name in (*wanted, *numbered) if self._values.get(name, value) == value)
        self._values[name] = value
        return name


def hide_secrets(transport: Transport, *, server: str, variables: Variables | None = None) -> Hidden:
    """The same transport with every literal secret replaced by a reference.

    An `env` entry is referred to by its own key; what stands in a header, an argument or a URL gets a name made of the
    server's and its own. Pass the same `variables` for all servers of one file.

    Example:
        server="gh", Http(url="https://x/mcp", headers={"Authorization": "Bearer ghp_abc"})
        -> Http(url="https://x/mcp", headers={"Authorization": "Bearer ${GH_AUTHORIZATION}"}),
           {"GH_AUTHORIZATION": "header Authorization"}
    """
    hiding = _Hiding(server, variables or Variables())
    transport = hiding.without_defaults(transport)
    match transport:
        case Stdio() as stdio:
            clean: Transport = replace(
                stdio,
                command=hiding.text(stdio.command, "the command"),
                args=hiding.args(stdio.args),
                env={key: hiding.env(key, value) for key, value in stdio.env.items()},
            )
        case Http() as http:
            clean = replace(
                http,
                url=hiding.text(http.url, "the URL"),
                headers={key: hiding.header(key, value) for key, value in http.headers.items()},
            )
    return Hidden(transport=clean, variables=hiding.found)


class _Hiding:
    def __init__(self, server: str, variables: Variables) -> None:
        self._server = server
        self._variables = variables
        self.found: dict[str, str] = {}

    def without_defaults(self, transport: Transport) -> Transport:
        """The same transport; `${API_KEY:-sk-123}` is `${API_KEY}` in it."""
        match transport:
            case Stdio() as stdio:
                return replace(
                    stdio,
                    args=tuple(self._without_default(arg) for arg in stdio.args),
                    env={key: self._without_default(value) for key, value in stdio.env.items()},
                )
            case Http() as http:
                headers = {key: self._without_default(value) for key, value in http.headers.items()}
                return replace(http, url=self._without_default(http.url), headers=headers)

    def _without_default(self, text: str) -> str:
        def drop(match: re.Match[str]) -> str:
            if not looks_secret(match[1], match[2]):
                return match[0]
            self.found[match[1]] = f"the default of {match[1]}"
            return f"${{{match[1]}}}"

        return _DEFAULT.sub(drop, text)

    def env(self, key: str, value: str) -> str:
        if not looks_secret(key, value):
            return value
        return self._reference(value, f"env {key}", as_variable(key), as_variable(self._server, key))

    def header(self, key: str, value: str) -> str:
        if not looks_secret(key, value):
            return value
        scheme = secret.SCHEME.match(value)
        kept = scheme[0] if scheme else ""
        return kept + self._reference(value[len(kept) :], f"header {key}", as_variable(self._server, key))

    def args(self, args: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self._arg(flag, arg) for flag, arg in zip(("", *args), args, strict=False))

    def _arg(self, flag: str, arg: str) -> str:
        header = _HEADER.fullmatch(arg)
        if header and looks_secret(header[1], header[3]):
            return f"{header[1]}{header[2]}{self.header(header[1], header[3])}"
        pair = _PAIR.fullmatch(arg)
        if pair and secret.name_is_secret(pair[1], pair[2]) and looks_secret(pair[1], pair[2]):
            return f"{pair[1]}={self._value_of(pair[1], pair[2])}"
        if pair and looks_secret(pair[1], pair[2]):
            return f"{pair[1]}={self._arg('', pair[2])}"
        if pair and (header := _HEADER.fullmatch(pair[2])) and looks_secret(header[1], header[3]):
            return f"{pair[1]}={self._arg('', pair[2])}"
        # A flag that only might hold a secret (`--auth`) may as well hold nothing: what follows it is left alone.
        if flag.startswith("-") and "=" not in flag and secret.name_is_secret(flag, "") and looks_secret(flag, arg):
            return arg if _NEXT_FLAG.fullmatch(arg) else self._value_of(flag, arg)
        return self.text(arg, "an argument")

    def _value_of(self, flag: str, value: str) -> str:
        if "://" in value and not secret.name_is_secret(flag, value):
            return self.text(value, f"argument {flag}")
        own = as_variable(self._server, flag) if flag.startswith("-") else as_variable(flag)
        return self._reference(value, f"argument {flag}", own, as_variable(self._server, flag))

    def text(self, text: str, where: str) -> str:
        """Only the secret parts of a text are replaced: the host and the database of a URL stay readable."""
        if secret.is_random(text):
            return self._secret(text, where)
        text = secret.URL_PASSWORD.sub(lambda match: f"{match[1]}:{self._password(match[2], where)}@", text)
        text = secret.JSON_PAIR.sub(lambda match: match[1] + self._named(match[2], match[3], where), text)
        if "://" in text:
            text = secret.URL_QUERY.sub(
                lambda match: f"{match[1]}{match[2]}={self._named(match[2], match[3], where)}", text
            )
            text = secret.URL_USER.sub(lambda match: self._secret(match[0], where), text)
            text = secret.URL_SEGMENT.sub(
                lambda match: self._secret(match[0], where) if secret.is_random_segment(match[0]) else match[0], text
            )
        for pattern in (secret.KNOWN, secret.BEARER):
            text = pattern.sub(lambda match: self._secret(match[0], where), text)
        return text

    def _named(self, name: str, value: str, where: str) -> str:
        if not looks_secret(name, value):
            return value
        return self._reference(value, f"{name} in {where}", as_variable(self._server, name))

    def _password(self, value: str, where: str) -> str:
        if secret.REFERENCE.fullmatch(value):
            return value
        return self._reference(value, f"the password in {where}", as_variable(self._server, "password"))

    def _secret(self, value: str, where: str) -> str:
        return self._reference(value, where, as_variable(self._server, "secret"))

    def _reference(self, value: str, where: str, *wanted: str) -> str:
        name = self._variables.name_for(value, *wanted)
        self.found[name] = where
        return f"${{{name}}}"
