"""`open_local_model`: a model of this machine behind an OpenAI-compatible URL, in a process of its own."""

import asyncio
import contextlib
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from agent.errors import MissingExtra, ModelError
from agent.models.manifest import ModelSpec, find_model
from agent.models.shelf import models_folder, verified_file
from mcp_registry.home import Home

DEFAULT_CONTEXT = 16_384
SLOTS = 32
"""So many samples one request may ask for, and so many requests are answered side by side."""
_CACHE_MIB = 512
"""So much memory the server may take for prompts that it is not busy with."""
_STOP_S = 5.0
_MAX_LOG, _TAIL = 1 << 20, 1 << 13
_ERROR_LINE = re.compile(r"[\d.]+ E +(?:\S+ +)?\S+: +(.*)")
"""llama.cpp writes the time, a letter for the level, where it was, and what it was."""
_PROGRAM = Path(__file__).with_name("llama_server.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How a model is served. 0: a thread for each core that is not busy, and a context of at most 16,384 tokens.

    start_s: how long it may take to load.
    """

    host: str = "127.0.0.1"
    port: int = 0
    threads: int = 0
    context: int = 0
    api_key: str = ""
    start_s: float = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalModel:
    """A model that is being served. `base_url` ends with /v1."""

    model: str
    base_url: str
    context_tokens: int
    log: Path
    process: Process

    def crashed(self) -> str:
        """How its process ended, and the end of its log; empty while it runs."""
        if self.process.returncode is None:
            return ""
        return f"the server of {self.model} ended with {self.process.returncode}; {_tail(self.log, 0)}"


@asynccontextmanager
async def open_local_model(
    model: str | Path | ModelSpec, *, home: Home, serving: Serving | None = None
) -> AsyncGenerator[LocalModel]:
    """A model by its name, or a GGUF file by its path, served until the context is left.

    Raises:
        ModelError: it is not pulled, is not what it should be, or does not start; the message has the end of its log.
        MissingExtra: llama.cpp is not installed.
    """
    serving = serving or Serving()
    if find_spec("xllamacpp") is None:
        raise MissingExtra("A language model on this machine", "local-llm")
    spec = _spec_of(model, home)
    path = await asyncio.to_thread(verified_file, home, spec)
    log = models_folder(home) / "logs" / f"{spec.name}.log"
    wanted = _wanted(spec, path, serving)
    process, logged_from = await _start(wanted, log)
    try:
        url = await _ready(process, serving, spec.name, (log, logged_from))
        yield LocalModel(
            model=spec.name, base_url=f"{url}/v1", context_tokens=wanted["context"], log=log, process=process
        )
    finally:
        await _stop(process)


def _spec_of(model: str | Path | ModelSpec, home: Home) -> ModelSpec:
    if isinstance(model, ModelSpec):
        return model
    if isinstance(model, Path) or model.endswith(".gguf") or os.sep in model:
        path = Path(model).expanduser().absolute()
        return ModelSpec(name=path.stem, file=path.name, path=str(path))
    return find_model(home, model)


def _wanted(spec: ModelSpec, path: Path, serving: Serving) -> dict[str, Any]:
    """What the server program is told."""
    longest = min(spec.context or DEFAULT_CONTEXT, DEFAULT_CONTEXT)
    return {
        "name": spec.name,
        "path": str(path),
        "host": serving.host,
        "port": serving.port,
        "threads": serving.threads or _threads(),
        "context": serving.context or longest,
        "api_keys": [serving.api_key] if serving.api_key else [],
        "slots": SLOTS,
        "cache_mib": _CACHE_MIB,
    }


def _threads() -> int:
    """A thread for each core that is not busy: threads that wait for each other on a busy one only spin."""
    try:
        busy = int(os.getloadavg()[0])
    except OSError:
        busy = 0
    return max(1, _cores() - busy)


def _cores() -> int:
    """The cores that this process may use; a container may have fewer than the machine."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


async def _start(wanted: dict[str, Any], log: Path) -> tuple[Process, int]:
    """The process, in a session of its own: Ctrl-C is for us, and we stop it. And where its lines in the log begin."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        if file.tell() > _MAX_LOG:
            file.truncate(0)
            file.seek(0)
        begins = file.tell()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", str(_PROGRAM), json.dumps(wanted),
            stdin=PIPE, stdout=PIPE, stderr=file, start_new_session=True,
        )  # fmt: skip
    return process, begins


async def _ready(process: Process, serving: Serving, name: str, log: tuple[Path, int]) -> str:
    """The server's URL, once it answers."""
    assert process.stdout is not None
    try:
        async with asyncio.timeout(serving.start_s):
            line = await process.stdout.readline()
    except TimeoutError:
        raise ModelError(f"the model {name} was not loaded after {serving.start_s:.0f} s; {_tail(*log)}") from None
    if not line:
        code = await process.wait()
        raise ModelError(f"the model {name} does not start: its server ended with {code}; {_tail(*log)}")
    return json.loads(line)["url"]


def _tail(log: Path, begins: int) -> str:
    """What went wrong in the words of its log, or the last lines that it logged since then; and where the rest is."""
    try:
        with log.open("rb") as file:
            file.seek(max(begins, log.stat().st_size - _TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    wrong = [error[1] for line in lines if (error := _ERROR_LINE.match(line))]
    return f"its log ({log}) says: " + ("; ".join([*dict.fromkeys(wrong)][:3] or lines[-8:]) or "nothing")


async def _stop(process: Process) -> None:
    """End it, by force if it takes long. Shielded: it is ended even when the task that leaves is cancelled again."""
    if process.returncode is None:
        await asyncio.shield(_ended(process))


async def _ended(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
