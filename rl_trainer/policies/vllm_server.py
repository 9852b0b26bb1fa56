"""`VllmServer`: a policy behind vLLM's OpenAI-compatible server, whose weights are replaced while it runs."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agent.endpoint.retrying import Clock
from rl_trainer.errors import EngineFailed, SamplingBiased
from rl_trainer.policies.vllm_probe import check_probed, probe_defaults, probe_processed, stated, states_processed
from rl_trainer.policies.vllm_requests import completion_body, written
from rl_trainer.policies.vllm_settings import VllmSettings
from rl_trainer.policies.vllm_transport import Transport, open_transport
from rl_trainer.policies.vllm_updates import (
    end_all,
    load_adapter,
    newest_adapter,
    paused,
    reload_weights,
    unload_adapter,
    weight_label,
)
from rl_trainer.policy import Sampling, Written

_COMPLETIONS = "/v1/completions"
_LATE_S = 1.0
"""How long a request may take to come back from a server that is paused."""


class VllmServer:
    """A `rl_trainer.policy.Policy`. Answers that an update of weights ended are `aborted`: see `Continuing`.

    Which weights an answer comes from is certain: an adapter is asked for by a name of its own version, and full
    weights are only replaced while nothing of ours is being written.
    """

    def __init__(self, transport: Transport, settings: VllmSettings, model: str) -> None:
        self._transport, self._settings, self._base = transport, settings, model
        self._serving, self._version, self._label = model, 0, ""
        self._open = asyncio.Event()
        self._open.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._at_work: dict[str, int] = {}
        self._seats = asyncio.Semaphore(settings.parallel)
        self._updating = asyncio.Lock()
        self._broken = ""
        self._probed = False
        self._processed: bool | None = None

    @property
    def id(self) -> str:
        return self._base

    @property
    def version(self) -> int:
        return self._version

    async def complete(self, prompt: Sequence[int], *, sampling: Sampling, seed: int) -> Written:
        if sampling.temperature != 1.0:
            await self._check_processed()
        while True:
            async with self._seats:
                await self._open.wait()
                self._check_whole()
                answer, same = await self._ask(prompt, sampling, seed)
            if same:
                return answer

    async def _ask(self, prompt: Sequence[int], sampling: Sampling, seed: int) -> tuple[Written, bool]:
        """The answer, and whether all of it comes from the weights that were there when it was asked for."""
        if self._settings.shared:
            await self.follow()
        name, version, label = self._serving, self._version, self._label
        self._begin(name)
        try:
            answer = await self._post(completion_body(prompt, sampling, seed=seed, model=name))
            told = written(answer, version=version)
            same = not self._settings.shared or await weight_label(self._transport) == label or told.finish == "aborted"
            return told, same
        finally:
            self._end(name)

    async def effective(self) -> Sampling:
        """What the server states, where it does (VLLM_SERVER_DEV_MODE=1); otherwise what is found out by asking.

        Raises:
            SamplingBiased: it has defaults that change what is drawn.
        """
        defaults = stated(await self._transport.get("/server_info?config_format=json"))
        if not self._probed:
            check_probed(await probe_defaults(self._post, self._serving))
            self._probed = True
        return defaults or Sampling()

    async def update(self, folder: Path, *, version: int) -> None:
        """Serve other weights from now on: an adapter (a folder with adapter_config.json) or a whole model.

        The server must see the folder under the same path. Answers in writing are ended, or waited for.

        Raises:
            EngineFailed: the server cannot do it, and what it has to be started with.
        """
        async with self._updating:
            self._check_whole()
            if (folder / "adapter_config.json").is_file():
                await self._swap_adapter(folder, version)
            else:
                await self._swap_weights(folder, version)

    async def follow(self) -> None:
        """Take up the weights that another process has put on the server."""
        label = await weight_label(self._transport)
        name, version = await newest_adapter(self._transport, self._base)
        self._serving, self._label = name, label
        self._version = version or int(label or 0)

    async def _swap_adapter(self, folder: Path, version: int) -> None:
        old, new = self._serving, f"{self._base}-v{version}"
        await load_adapter(self._transport, new, folder)
        self._serving, self._version = new, version  # what has begun by now ends with the old weights, or is ended
        if self._settings.interrupt and self._at_work.get(old):
            await end_all(self._transport)
        await self._drained(old)
        if old != self._base:
            await unload_adapter(self._transport, old)

    async def _swap_weights(self, folder: Path, version: int) -> None:
        self._open.clear()
        try:
            if not self._settings.interrupt:
                await self._drained()
            async with paused(self._transport, mode="abort" if self._settings.interrupt else "wait"):
                await self._drained(insist=True)
                self._broken = f"the update to version {version} did not end"
                await reload_weights(self._transport, folder, label=str(version))
                self._broken = ""
            self._version, self._label = version, str(version)
        finally:
            self._open.set()

    async def _drained(self, name: str | None = None, *, insist: bool = False) -> None:
        """Wait until nothing of ours is at work; insist: a request that came after the pause is ended as well."""
        while self._at_work if name is None else self._at_work.get(name):
            self._idle.clear()
            try:
                async with asyncio.timeout(_LATE_S if insist else None):
                    await self._idle.wait()
            except TimeoutError:
                await end_all(self._transport)

    def _begin(self, name: str) -> None:
        self._at_work[name] = self._at_work.get(name, 0) + 1

    def _end(self, name: str) -> None:
        self._at_work[name] -= 1
        if not self._at_work[name]:
            del self._at_work[name]
            self._idle.set()

    def _check_whole(self) -> None:
        if self._broken:
            raise EngineFailed(
                f"the engine's weights are unknown since an update failed ({self._broken}): start it again"
            )

    async def _check_processed(self) -> None:
        """Raises: SamplingBiased: log-probabilities are those from before the temperature."""
        if self._processed is None:
            said = states_processed(await self._transport.get("/server_info?config_format=json"))
            self._processed = await probe_processed(self._post, self._serving) if said is None else said
        if not self._processed:
            raise SamplingBiased(
                "the server's log-probabilities are those from before the temperature, so every ratio would be wrong: "
                "start it with --logprobs-mode processed_logprobs, or sample at a temperature of 1"
            )

    async def _post(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = await self._transport.post(_COMPLETIONS, body)
        if not isinstance(answer, Mapping):
            raise EngineFailed(f"the engine at {self._settings.url} has no {_COMPLETIONS}: is it vLLM's server?")
        return answer


@asynccontextmanager
async def open_vllm_server(settings: VllmSettings, *, clock: Clock | None = None) -> AsyncGenerator[VllmServer]:
    """The policy that a running vLLM server has.

    Raises:
        EngineFailed: there is none, or it does not serve that model.
    """
    async with open_transport(settings, clock=clock) as transport:
        listed = await transport.get("/v1/models")
        names = [str(row["id"]) for row in (listed or {}).get("data") or ()]
        if not names:
            raise EngineFailed(f"the engine at {settings.url} lists no models: is it vLLM's server?")
        model = settings.model or names[0]
        if model not in names:
            raise EngineFailed(f"the engine at {settings.url} serves {', '.join(names)}, not {model!r}")
        yield VllmServer(transport, settings, model)
