"""`Chat`: asks a language model behind an OpenAI-compatible endpoint for JSON of a given schema."""

import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx2
import msgspec

from retrieval.embedding import well_formed
from retrieval.errors import AnswerUnusable, ChatUnavailable

URL_VARIABLE = "QUARTERMASTER_LLM_URL"
MODEL_VARIABLE = "QUARTERMASTER_LLM_MODEL"
KEY_VARIABLE = "QUARTERMASTER_LLM_KEY"

_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_NO_SCHEMA = frozenset({400, 404, 415, 422})
"""What endpoints answer that know no `response_format`."""


class ChatEndpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a language model answers, and how long it is waited for."""

    base_url: str
    """Up to what stands before `/chat/completions`, such as `http://127.0.0.1:8080/v1`."""
    model: str
    key_variable: str = KEY_VARIABLE
    """The environment variable with the key, read at each call; none is sent when it is not set."""
    temperature: float = 0.0
    max_tokens: int = 1024
    timeout_s: float = 60.0
    """For one answer."""
    budget_s: float = 120.0
    """For one question with all its retries and waits."""
    attempts: int = 3
    backoff_s: float = 0.5
    """Waited before the second attempt; doubled before each one after it."""


def endpoint_from_environment(environment: Mapping[str, str] = os.environ) -> ChatEndpoint:
    """The endpoint that QUARTERMASTER_LLM_URL and QUARTERMASTER_LLM_MODEL name.

    Raises:
        ChatUnavailable: one of them is not set.
    """
    missing = [name for name in (URL_VARIABLE, MODEL_VARIABLE) if not environment.get(name)]
    if missing:
        raise ChatUnavailable(
            f"this needs a language model: set {' and '.join(missing)} to an OpenAI-compatible endpoint "
            f"(such as http://127.0.0.1:8080/v1) and its model; the key, if it wants one, goes into {KEY_VARIABLE}"
        )
    return ChatEndpoint(base_url=environment[URL_VARIABLE], model=environment[MODEL_VARIABLE])


class Chat:
    """Asks one endpoint. It may be used from several threads; `sleep` and `now` are the clock's."""

    def __init__(
        self,
        endpoint: ChatEndpoint,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.endpoint = endpoint
        self._sleep = sleep
        self._now = now
        self._knows_schemas = True

    def ask(self, system: str, user: str, schema: Mapping[str, Any]) -> Any:
        """The model's answer as JSON. The schema is asked for; whether the answer keeps it is for the caller to check.

        Endpoints that know no schemas are asked without; JSON is then looked for in what they say.

        Raises:
            ChatUnavailable: no answer within the attempts and the budget.
            AnswerUnusable: there was one, and it held no JSON.
        """
        end = self._now() + self.endpoint.budget_s
        problem = _Again("no attempt was allowed")
        for attempt in range(self.endpoint.attempts):
            try:
                return self._attempt(system, user, schema, timeout_s=min(self.endpoint.timeout_s, end - self._now()))
            except _Again as again:
                problem = again
                wait = max(self.endpoint.backoff_s * 2**attempt, again.after_s)
            if attempt + 1 == self.endpoint.attempts or self._now() + wait >= end:
                break
            self._sleep(wait)
        kind = AnswerUnusable if problem.answered else ChatUnavailable
        raise kind(f"{self._who} gave no usable answer: {problem}")

    def _attempt(self, system: str, user: str, schema: Mapping[str, Any], *, timeout_s: float) -> Any:
        with_schema = self._knows_schemas
        answer = self._post(self._body(system, user, schema, with_schema=with_schema), timeout_s)
        if with_schema and answer.status_code in _NO_SCHEMA:
            answer = self._post(self._body(system, user, schema, with_schema=False), timeout_s)
            self._knows_schemas = not answer.is_success
        if answer.status_code in _AGAIN:
            raise _Again(f"it answered {answer.status_code}", after_s=_retry_after(answer))
        if not answer.is_success:
            raise ChatUnavailable(f"{self._who} refused: {answer.status_code} {answer.text[:300]}")
        content = _content(answer)
        try:
            return json_in(content)
        except AnswerUnusable as error:
            raise _Again(str(error), answered=True) from error

    def _post(self, body: Mapping[str, Any], timeout_s: float) -> httpx2.Response:
        key = os.environ.get(self.endpoint.key_variable)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url = self.endpoint.base_url.rstrip("/") + "/chat/completions"
        try:
            return httpx2.post(url, json=body, headers=headers, timeout=timeout_s)
        except httpx2.InvalidURL as error:
            raise ChatUnavailable(f"{self._who} cannot be asked: {error}") from error
        except httpx2.HTTPError as error:
            raise _Again(f"{type(error).__name__}: {error}") from error

    def _body(self, system: str, user: str, schema: Mapping[str, Any], *, with_schema: bool) -> dict[str, Any]:
        told = "" if with_schema else f"\nAnswer with JSON of this schema and nothing else: {json.dumps(schema)}"
        body: dict[str, Any] = {
            "model": self.endpoint.model,
            "messages": [
                {"role": "system", "content": well_formed(system + told)},
                {"role": "user", "content": well_formed(user)},
            ],
            "temperature": self.endpoint.temperature,
            "max_tokens": self.endpoint.max_tokens,
        }
        if with_schema:
            body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
        return body

    @property
    def _who(self) -> str:
        return f"the language model {self.endpoint.model!r} at {self.endpoint.base_url}"


class _Again(Exception):
    """An attempt that failed in a way that another may not; `after_s` is what the endpoint asked to wait."""

    def __init__(self, problem: str, *, after_s: float = 0.0, answered: bool = False) -> None:
        super().__init__(problem)
        self.after_s = after_s
        self.answered = answered


def _retry_after(answer: httpx2.Response) -> float:
    said = answer.headers.get("retry-after", "")
    return float(said) if said.isdigit() else 0.0


def _content(answer: httpx2.Response) -> str:
    try:
        content = answer.json()["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError) as error:
        raise _Again(f"its answer is no chat completion: {answer.text[:200]!r}", answered=True) from error
    if not isinstance(content, str):
        raise _Again("its answer has no content", answered=True)
    return content


def json_in(text: str, opening: str = "{") -> Any:
    """The JSON that a text is, or the first in it that begins with `opening`: models put words and fences around it.

    Raises:
        AnswerUnusable: there is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    decoder = json.JSONDecoder()
    for start in (place for place, letter in enumerate(text) if letter == opening):
        try:
            return decoder.raw_decode(text, start)[0]
        except (ValueError, RecursionError):
            continue
    raise AnswerUnusable(f"its answer holds no JSON: {text[:200]!r}")
