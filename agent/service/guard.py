"""Who may call the service: an API key, known host names, and no page of another site."""

import hmac
import os
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.errors import BadAgentSettings

KEY_VARIABLE = "QUARTERMASTER_API_KEY"
_OPEN = frozenset({"/", "/healthz", "/readyz", "/page.js", "/page.css"})
"""What needs no key: it tells nothing that is anybody's."""
_SHORTEST = 16


def key_from(environment: Mapping[str, str] = os.environ) -> str | None:
    """The API key that the environment has, or None.

    Raises:
        BadAgentSettings: it is so short that it could be guessed.
    """
    key = environment.get(KEY_VARIABLE, "").strip()
    if not key:
        return None
    if len(key) < _SHORTEST:
        raise BadAgentSettings(f"{KEY_VARIABLE} has fewer than {_SHORTEST} characters: openssl rand -hex 24 makes one")
    return key


def check_address(host: str, key: str | None) -> None:
    """Raises:
    BadAgentSettings: others than this machine could call, and there is no key to keep them out.
    """
    if key is None and not is_loopback(host):
        raise BadAgentSettings(
            f"{host} can be reached from other machines, and whoever calls the agent acts with your tools: set "
            f"{KEY_VARIABLE} (openssl rand -hex 24), or bind 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address or a name."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """Lets a request through that has a known Host, no Origin but ours, and the key, if there is one.

    A page of another site can make a browser send requests here, and can give its own name our address: both show.
    """

    def __init__(self, app: ASGIApp, *, key: str | None, hosts: frozenset[str]) -> None:
        self._app = app
        self._key = key
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _name(f"//{host}") not in self._hosts:
            return _no(421, f"this service is not known as {host!r}: name it with --allow-host")
        origin = headers.get("origin")
        if origin is not None and _name(origin) not in self._hosts:
            return _no(403, f"requests from pages of {origin!r} are not served")
        if self._key is not None and scope["path"] not in _OPEN and not _has_key(headers, self._key):
            return _no(401, f"an API key is needed: Authorization: Bearer ... (the service's {KEY_VARIABLE})")
        return None


def _has_key(headers: Headers, key: str) -> bool:
    given = headers.get("authorization", "").removeprefix("Bearer ").strip()
    given = given or headers.get("x-api-key", "").strip()
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), key.encode())


def _name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _no(status: int, text: str) -> JSONResponse:
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"error": {"message": text, "type": "refused"}}, status, headers)
