"""HTTP to an engine: what passes is tried again, what does not is told with what the engine said."""

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec

from agent.endpoint.retrying import Clock, Passing, retried, retry_after
from rl_trainer.errors import EngineFailed
from rl_trainer.policies.vllm_settings import VllmSettings

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class Transport:
    """One engine's requests; a path is relative to its URL."""

    def __init__(self, client: httpx.AsyncClient, settings: VllmSettings, clock: Clock) -> None:
        self._client, self._settings, self._clock = client, settings, clock
        self._url = settings.url.rstrip("/").removesuffix("/v1")

    async def get(self, path: str) -> Any:
        """The JSON at a path; None where there is no such path.

        Raises:
            EngineFailed: the engine cannot be reached, or fails.
        """
        return await self._retried("GET", path, None)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """What the engine answers; None where there is no such path.

        Raises:
            EngineFailed: the engine cannot be reached, or fails, or refuses.
        """
        return await self._retried("POST", path, body)

    async def _retried(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        async def attempt() -> Any:
            return await self._attempt(method, path, body)

        try:
            return await retried(
                attempt,
                attempts=self._settings.attempts,
                budget_s=self._settings.budget_s,
                backoff_s=self._settings.backoff_s,
                clock=self._clock,
            )
        except Passing as error:
            raise EngineFailed(
                f"the engine at {self._url} did not answer {path} in {self._settings.attempts} attempts: {error}. "
                "See whether it runs, and its log"
            ) from None

    async def _attempt(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        headers = {"content-type": "application/json", **self._authorised()}
        content = msgspec.json.encode(body) if body is not None else None
        try:
            answer = await self._client.request(method, self._url + path, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise Passing(f"{type(error).__name__}: {error}".removesuffix(": ")) from None
        if answer.status_code == 404 and "does not exist" not in answer.text:
            return None
        if answer.status_code in _AGAIN:
            wait = retry_after(answer.headers.get("retry-after"), self._clock.utc())
            raise Passing(f"it answered {answer.status_code} {self._said(answer)}", after_s=wait)
        if not answer.is_success:
            raise EngineFailed(f"the engine at {self._url} refused {path}: {answer.status_code} {self._said(answer)}")
        return _value(answer)

    def _authorised(self) -> dict[str, str]:
        key = os.environ.get(self._settings.key_variable, "").strip()
        return {"authorization": f"Bearer {key}"} if key else {}

    def _said(self, answer: httpx.Response) -> str:
        key = os.environ.get(self._settings.key_variable, "").strip()
        text = " ".join(answer.text.split())[:400]
        return text.replace(key, "***") if key else text


def _value(answer: httpx.Response) -> Any:
    """Its JSON; some of vLLM's endpoints answer in plain text, or with nothing."""
    try:
        return answer.json()
    except ValueError:
        return answer.text


@asynccontextmanager
async def open_transport(settings: VllmSettings, *, clock: Clock | None = None) -> AsyncGenerator[Transport]:
    """A transport whose connections are closed when the block is left."""
    limits = httpx.Limits(max_connections=settings.parallel, max_keepalive_connections=settings.parallel)
    timeout = httpx.Timeout(settings.timeout_s, connect=10.0)
    async with httpx.AsyncClient(limits=limits, timeout=timeout, trust_env=False) as client:
        yield Transport(client, settings, clock or Clock())
