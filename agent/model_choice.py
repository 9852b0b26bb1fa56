"""Which model a run uses: the one named, else the endpoint of the settings, else a local model that was pulled."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from agent.endpoint import LlmSettings, SmallLlmSettings, open_llm
from agent.errors import BadAgentSettings
from agent.llm import LLM
from mcp_registry.home import Home
from mcp_registry.settings import load_section

LOCAL = "local:"
"""What the name of a local model begins with."""


_PROFILES = "endpoints.json"
"""What was found out about endpoints, in the state folder."""


class ModelChoice(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for on the command line or in a request; None is whatever there is."""

    model: str | None = None
    url: str | None = None


@asynccontextmanager
async def open_model(home: Home, choice: ModelChoice) -> AsyncGenerator[LLM]:
    """The model, ready to be asked; a local one is served by this process's own llama.cpp until the block ends.

    With a [small_llm] beside it, easy calls go to that one first (agent/compute).

    Raises:
        BadAgentSettings: there is none; the message has both ways to one. LlmUnavailable: it does not answer.
    """
    settings = load_section(home, "llm", LlmSettings)
    if choice.url:
        settings = msgspec.structs.replace(settings, url=choice.url)
    if choice.model and not choice.model.startswith(LOCAL):
        settings = msgspec.structs.replace(settings, model=choice.model)
    local = _local_name(home, choice, settings)
    if local is None:
        async with _routed(home, settings) as llm:
            yield llm
        return
    from agent.models import local_settings, open_local_model

    async with (
        open_local_model(local, home=home) as served,
        open_llm(local_settings(served, settings), profile_file=home.path / _PROFILES) as llm,
    ):
        yield llm


@asynccontextmanager
async def _routed(home: Home, settings: LlmSettings) -> AsyncGenerator[LLM]:
    file = home.path / _PROFILES
    small = load_section(home, "small_llm", SmallLlmSettings)
    async with open_llm(settings, profile_file=file) as large:
        if not small.url:
            yield large
            return
        from agent.compute import Routed

        async with open_llm(small, profile_file=file) as easy:
            yield Routed(easy, large)


def _local_name(home: Home, choice: ModelChoice, settings: LlmSettings) -> str | None:
    """The local model to serve, or None when an endpoint answers."""
    if choice.model and choice.model.startswith(LOCAL):
        return choice.model.removeprefix(LOCAL)
    if settings.url:
        return None
    from agent.models import pulled

    found = pulled(home)
    if not found:
        raise BadAgentSettings(
            "there is no language model yet. Either fetch a small one that runs here: "
            "quartermaster models pull qwen2.5-coder-0.5b; or name an OpenAI-compatible endpoint: --llm-url "
            "http://127.0.0.1:8080/v1, QUARTERMASTER_LLM_URL, or url in section [llm] of quartermaster.toml"
        )
    return found[0]
