"""The gateway over HTTP: /mcp (streamable HTTP), /healthz (the process lives), /readyz (it can answer)."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import uvicorn
from mcp.server import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from mcp_registry.registry import Registry

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_SHUTDOWN_S = 5


def make_app(server: Server[Any], registry: Registry, *, host: str, allowed_hosts: Sequence[str] = ()) -> Starlette:
    """The ASGI application. Every answer stands alone (no sessions), so several processes may share the load."""

    async def healthz(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> JSONResponse:
        generation = await asyncio.to_thread(registry.catalogue.generation)
        return JSONResponse(
            {
                "status": "ready",
                "tools": len(registry.index),
                "generation": generation,
                "index_generation": registry.index.generation,
            }
        )

    return server.streamable_http_app(
        json_response=True,
        stateless_http=True,
        host=host,
        transport_security=security(host, allowed_hosts),
        custom_starlette_routes=[Route("/healthz", healthz), Route("/readyz", readyz)],
    )


def security(host: str, allowed_hosts: Sequence[str]) -> TransportSecuritySettings:
    """Only requests that name a known host are served: a page on another site cannot rebind its name to us."""
    names = [*_LOOPBACK, *([] if host in {"0.0.0.0", "::"} else [host])]  # noqa: S104 - compared, not bound
    hosts = [f"{name}:*" for name in dict.fromkeys(names)] + list(names)
    for allowed in allowed_hosts:
        hosts += [allowed] if ":" in allowed else [allowed, f"{allowed}:*"]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=hosts,
        allowed_origins=[f"{scheme}://{name}" for name in hosts for scheme in ("http", "https")],
    )


def listen(app: Starlette, *, host: str, port: int) -> tuple[uvicorn.Server, socket.socket]:
    """A server for the application and the socket that it will listen on; port 0 takes any that is free.

    Raises:
        SystemExit: the address cannot be bound (uvicorn has said why on stderr).
    """
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=_SHUTDOWN_S
    )
    bound = config.bind_socket()
    bound.listen(config.backlog)  # who reads that we serve may call at once: the call waits until we are up
    return uvicorn.Server(config), bound
