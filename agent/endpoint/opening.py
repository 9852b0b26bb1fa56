"""`open_llm`: an endpoint as an `LLM`, for as long as it is needed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agent.endpoint.settings import LlmSettings
from agent.errors import BadAgentSettings, LlmUnavailable, MissingExtra
from agent.llm import Profile

if TYPE_CHECKING:
    from agent.endpoint.client import EndpointLLM
    from agent.endpoint.retrying import Clock
    from agent.endpoint.transport import Transport

_DAY = 86_400.0


@asynccontextmanager
async def open_llm(
    settings: LlmSettings, *, profile_file: Path, reprobe: bool = False, clock: "Clock | None" = None
) -> AsyncGenerator["EndpointLLM"]:
    """The model that the settings name, ready to be asked.

    The first time it is probed, which takes a handful of small calls; what is found is kept in `profile_file`. Settings
    that say everything leave nothing to probe.

    Raises:
        BadAgentSettings: no endpoint is named, or its URL is none. MissingExtra: httpx is not installed.
        LlmUnavailable, LlmRefused: it does not answer the probes.
    """
    _check_url(settings.url)
    try:
        import httpx
    except ImportError:
        raise MissingExtra("a language model behind an endpoint", "agent") from None
    from agent.endpoint.client import EndpointLLM
    from agent.endpoint.retrying import Clock
    from agent.endpoint.transport import Transport

    clock = clock or Clock()
    # A proxy of the environment has no business between us and a model on this machine.
    direct = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=32)
    timeout = httpx.Timeout(settings.timeout_s, connect=min(settings.timeout_s, 10.0), pool=None)
    async with httpx.AsyncClient(timeout=timeout, limits=limits, mounts=direct) as client:
        transport = Transport(client, settings, clock)
        bare = EndpointLLM(transport, settings, Profile(), model=await _model(settings, transport), clock=clock)
        yield bare.with_profile(await _profile(bare, transport, profile_file, clock=clock, reprobe=reprobe))


async def _profile(
    bare: "EndpointLLM", transport: "Transport", file: Path, *, clock: "Clock", reprobe: bool
) -> Profile:
    from agent.endpoint.probing import Probed, probe, profile_of
    from agent.endpoint.profile_file import keep, kept

    settings = bare.settings
    if settings.says_all and not reprobe:
        return profile_of(Probed(), settings)
    since = clock.utc() - settings.profile_days * _DAY
    found = None if reprobe else await asyncio.to_thread(kept, file, settings.url, bare.id, newer_than=since)
    if found is None:
        found = await probe(bare, transport)
        await asyncio.to_thread(keep, file, settings.url, bare.id, found=found, at=clock.utc())
    return profile_of(found, settings)


async def _model(settings: LlmSettings, transport: "Transport") -> str:
    from agent.endpoint.probing import named_model
    from agent.endpoint.retrying import Passing

    if settings.model:
        return settings.model
    try:
        found = await named_model(transport)
    except Passing as problem:
        raise LlmUnavailable(f"the endpoint of llm.url cannot be asked which models it has: {problem}") from None
    if found is None:
        raise BadAgentSettings(
            "the endpoint of llm.url lists no model: name one in llm.model (QUARTERMASTER_LLM_MODEL)"
        )
    return found


def _check_url(url: str) -> None:
    if not url:
        raise BadAgentSettings(
            "no language model is named: set llm.url (QUARTERMASTER_LLM_URL) to an OpenAI-compatible endpoint, such as "
            "http://127.0.0.1:8080/v1, and llm.model (QUARTERMASTER_LLM_MODEL) to its model"
        )
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or True)
    except ValueError:
        usable = False
    if not usable:
        raise BadAgentSettings("llm.url (QUARTERMASTER_LLM_URL) is no address such as http://127.0.0.1:8080/v1")
