# pyright: basic, reportMissingImports=false
"""`open_vllm`: a server's policy for a model that learns in this process, and how its weights get there."""

import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rl_trainer.errors import RecipeWrong
from rl_trainer.policies.continuing import Continuing
from rl_trainer.policies.vllm_server import open_vllm_server
from rl_trainer.policies.vllm_settings import VllmSettings
from rl_trainer.recipe import EngineSettings

Publish = Callable[[int], Awaitable[None]]
"""Puts the model's weights, as they are now, on the server under this version."""


@asynccontextmanager
async def open_vllm(engine: EngineSettings, model: Any) -> AsyncGenerator[tuple[Continuing, Publish]]:
    """The policy and what publishes new weights: adapters alone ("lora"), or the whole model with adapters merged.

    Nothing is published by itself: the server has whatever it was started with until `publish` is called.
    Weights go by way of a folder in the system's temporary one (TMPDIR), which the server must see under the same path.

    Raises:
        RecipeWrong: adapters are to be sent, and the model has none. EngineFailed: there is no server.
    """
    from rl_trainer.model.adapters import has_adapters
    from rl_trainer.model.saving import save_model
    from rl_trainer.step.processes import from_first, rank

    if engine.weights == "lora" and not has_adapters(model):
        raise RecipeWrong('engine.weights is "lora", but the model has no adapters: add a table model.lora, or "full"')
    with tempfile.TemporaryDirectory(prefix="quartermaster-weights-") as folder:
        async with open_vllm_server(VllmSettings(url=engine.url)) as server:

            async def publish(version: int) -> None:
                saved = Path(folder) / "weights"
                save_model(model, saved, merge=engine.weights == "full")
                if rank() == 0:
                    await server.update(saved, version=version)
                if from_first(version) and rank() != 0:  # the others wait until it is there
                    await server.follow()

            yield Continuing(server), publish
