"""New weights for a running vLLM server: an adapter under a name of its own, or a model in place of the old one."""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from rl_trainer.errors import EngineFailed
from rl_trainer.policies.vllm_transport import Transport

_LORA = "start it with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"
_DEV = "start it with VLLM_SERVER_DEV_MODE=1, in a network that only the trainer reaches"


async def load_adapter(transport: Transport, name: str, folder: Path) -> None:
    """Serve a LoRA adapter as a model called `name`.

    Raises:
        EngineFailed: the server takes no adapters, or not this one.
    """
    if name in await _names(transport):  # from before a resume: of the same version, but perhaps not the same weights
        await unload_adapter(transport, name)
    body = {"lora_name": name, "lora_path": str(folder)}
    if await transport.post("/v1/load_lora_adapter", body) is None:
        raise EngineFailed(f"the engine takes no adapters while it runs: {_LORA}")


async def unload_adapter(transport: Transport, name: str) -> None:
    await transport.post("/v1/unload_lora_adapter", {"lora_name": name})


async def weight_label(transport: Transport) -> str:
    """What the server calls its weights: the last label that was given, "" before any or where it has no labels."""
    info = await transport.get("/weight_info")
    label = str(info.get("weight_version", "")) if isinstance(info, Mapping) else ""
    return "" if label == "default" else label


@asynccontextmanager
async def paused(transport: Transport, *, mode: Literal["abort", "wait"]) -> AsyncGenerator[None]:
    """Nothing is written in the block; what was being written is ended, or is finished first.

    Raises:
        EngineFailed: the server cannot be paused.
    """
    await _must(transport, f"/pause?mode={mode}", {})
    try:
        yield
    finally:
        await _must(transport, "/resume", {})


async def reload_weights(transport: Transport, folder: Path, *, label: str) -> None:
    """Replace the weights of a paused server by those in a folder, and forget what was computed with the old ones.

    Raises:
        EngineFailed: the server cannot, or the weights are not those of its model.
    """
    await _must(transport, "/collective_rpc", {"method": "reload_weights", "kwargs": {"weights_path": str(folder)}})
    cleared = await _must(transport, "/reset_prefix_cache", {})
    if isinstance(cleared, Mapping) and cleared.get("success") is False:
        raise EngineFailed("the engine kept its prefix cache, which is of the old weights: something is still at work")
    await transport.post("/update_weight_version", {"new_version": label})


async def end_all(transport: Transport) -> None:
    """End whatever is being written, or waits to be; it comes back as aborted."""
    await _must(transport, "/abort_requests", {})


async def newest_adapter(transport: Transport, base: str) -> tuple[str, int]:
    """The adapter of `base` with the highest version that is loaded, and its version; `base` and 0 if there is none."""
    names = await _names(transport)
    found = [(int(name[len(base) + 2 :]), name) for name in names if re.fullmatch(re.escape(base) + r"-v\d+", name)]
    version, name = max(found, default=(0, base))
    return name, version


async def _names(transport: Transport) -> list[str]:
    listed = await transport.get("/v1/models")
    return [str(row["id"]) for row in (listed or {}).get("data") or ()]


async def _must(transport: Transport, path: str, body: Mapping[str, Any]) -> Any:
    answer = await transport.post(path, body)
    if answer is None:
        raise EngineFailed(f"the engine has no {path.partition('?')[0]}: {_DEV}")
    return answer
