"""The ASGI application: runs, decisions, /v1, the catalogue, the page, and the gateway's /mcp beside them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from agent.errors import AgentError, LlmUnavailable, UnknownRun, WrongMoment
from agent.options import Options
from agent.runs import Runs
from agent.service.agent_tool import agent_tool
from agent.service.catalogue_api import catalogue_router
from agent.service.decisions_api import decisions_router
from agent.service.events_api import events_router
from agent.service.guard import Guard
from agent.service.openai_api import openai_router
from agent.service.runs_api import runs_router
from mcp_registry.errors import RegistryError
from mcp_registry.gateway import http
from mcp_registry.gateway.meta_tools import MetaTools
from mcp_registry.gateway.server import make_server
from mcp_registry.registry import Registry

_PAGE = {
    "/": ("index.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'"
)


def make_app(
    runs: Runs, registry: Registry, *, defaults: Options, host: str, key: str | None, allowed_hosts: Sequence[str] = ()
) -> FastAPI:
    """The application over some runs and a registry; `key` is asked for wherever something can be learnt or done."""
    tools = MetaTools(registry, [agent_tool(runs, defaults)])
    gateway = http.make_app(make_server(tools), registry, host=host, allowed_hosts=allowed_hosts)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with gateway.router.lifespan_context(gateway):
            yield

    app = FastAPI(
        title="Quartermaster agent", version=version("quartermaster"), lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.add_middleware(Guard, key=key, hosts=_names(host, allowed_hosts))
    for router in (
        runs_router(runs, defaults),
        events_router(runs),
        decisions_router(runs),
        openai_router(runs, defaults),
        catalogue_router(registry),
    ):
        app.include_router(router)
    _add_page(app)
    app.add_exception_handler(AgentError, _explained)
    app.add_exception_handler(RegistryError, _explained)
    app.mount("/", gateway)
    return app


def _names(host: str, allowed_hosts: Sequence[str]) -> frozenset[str]:
    bound = {"localhost", "127.0.0.1", "::1", host.strip("[]")}
    return frozenset(bound | {allowed.rpartition(":")[0] or allowed for allowed in allowed_hosts})


def _add_page(app: FastAPI) -> None:
    for path, (name, kind) in _PAGE.items():
        content = files("agent.service").joinpath("page", name).read_bytes()
        app.add_api_route(path, _serving(content, kind), include_in_schema=False)


def _serving(content: bytes, kind: str) -> Any:
    async def serve() -> Response:
        headers = {
            "content-security-policy": _POLICY,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
        }
        return Response(content, media_type=kind, headers=headers)

    return serve


async def _explained(request: Request, error: Exception) -> JSONResponse:
    match error:
        case UnknownRun():
            status = 404
        case WrongMoment():
            status = 409
        case LlmUnavailable():
            status = 502
        case _:
            status = 400
    return JSONResponse({"error": {"message": str(error), "type": type(error).__name__}}, status)
