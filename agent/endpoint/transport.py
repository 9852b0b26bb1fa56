"""HTTP to one endpoint: JSON and streams of it; failures told apart by whether asking again may help."""

import json
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import httpx

from agent.endpoint.retrying import Clock, Passing, retry_after
from agent.endpoint.settings import LlmSettings

_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_TOO_LONG = re.compile(
    r"context[ _-]?(length|size|window)|maximum context|too many tokens|prompt is too long|exceeds? the available",
    re.IGNORECASE,
)


class Refusal(Exception):
    """The endpoint answered that it will not. `status` is HTTP's; `too_long`: the prompt does not fit its context."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"{status} {said}".strip())
        self.status = status
        self.too_long = status in {400, 413, 422} and bool(_TOO_LONG.search(said))


class Transport:
    """One endpoint's requests. The key goes into the headers and nowhere else."""

    def __init__(self, client: httpx.AsyncClient, settings: LlmSettings, clock: Clock) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._url = settings.url.rstrip("/")

    async def get(self, path: str) -> Any:
        """The JSON at a path below the endpoint's URL, or beside it when it begins with `..`; None without any."""
        url = self._url.removesuffix("/v1") + path.removeprefix("..") if path.startswith("..") else self._url + path
        try:
            answer = await self._client.get(url, headers=self._headers())
            return answer.json() if answer.is_success else None
        except httpx.HTTPError as error:
            raise Passing(self._failure(error)) from None
        except ValueError:
            return None

    async def post(self, body: Mapping[str, Any]) -> Any:
        """The answer to a chat completion request, as JSON.

        Raises:
            Passing: another attempt may succeed. Refusal: it would not.
        """
        try:
            answer = await self._client.post(self._completions, json=body, headers=self._headers())
            self._check(answer)
            return answer.json()
        except httpx.HTTPError as error:
            raise Passing(self._failure(error)) from None
        except ValueError:
            raise Passing("its answer is no JSON") from None

    async def stream(self, body: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """The chunks of a streamed chat completion, as they come; raises as `post`.

        Leaving the loop early needs `aclosing`; it ends the request.
        """
        body = {**body, "stream": True, "stream_options": {"include_usage": True}}
        try:
            async with self._client.stream("POST", self._completions, json=body, headers=self._headers()) as answer:
                if not answer.is_success:
                    await answer.aread()
                self._check(answer)
                async for line in _lines(answer):
                    data = line.removeprefix(b"data:").strip()
                    if not line.startswith(b"data:") or not data:
                        continue
                    if data == b"[DONE]":
                        return
                    yield self._chunk(data)
        except httpx.HTTPError as error:
            raise Passing(self._failure(error)) from None

    @property
    def _completions(self) -> str:
        return self._url + "/chat/completions"

    def _headers(self) -> dict[str, str]:
        key = self._key()
        return {"Authorization": f"Bearer {key}"} if key else {}

    def _key(self) -> str:
        return os.environ.get(self._settings.key_variable, "").strip()

    def _check(self, answer: httpx.Response) -> None:
        if answer.is_success:
            return
        self._fail(answer.status_code, answer.text, answer.headers.get("retry-after"))

    def _fail(self, status: int, said: str, wait: str | None = None) -> None:
        text = self.without_key(said)[:300]
        if status in _AGAIN:
            raise Passing(f"it answered {status} {text}".strip(), after_s=retry_after(wait, self._clock.utc()))
        raise Refusal(status, text)

    def _chunk(self, data: bytes) -> dict[str, Any]:
        try:
            chunk = json.loads(data)
        except ValueError:
            raise Passing(f"its stream holds what is no JSON: {self.without_key(repr(data[:200]))}") from None
        if not isinstance(chunk, dict):
            raise Passing("its stream holds what is no chunk")
        if error := chunk.get("error"):
            code = error.get("code") if isinstance(error, dict) else None
            self._fail(code if isinstance(code, int) and 400 <= code < 600 else 500, json.dumps(error))
        return chunk

    def _failure(self, error: httpx.HTTPError) -> str:
        return self.without_key(f"{type(error).__name__}: {error}".removesuffix(": "))

    def without_key(self, text: str) -> str:
        """Endpoints like to repeat a key that they do not know."""
        key = self._key()
        return text.replace(key, "***") if key else text


async def _lines(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The lines of a stream of events. Only line feeds end them: JSON may hold the other line ends of Unicode."""
    rest = b""
    async for piece in answer.aiter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r")
    if rest:
        yield rest.rstrip(b"\r")
