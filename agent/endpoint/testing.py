"""An OpenAI-compatible endpoint that runs, for tests and examples: real HTTP, and a script in place of a model."""

import json
import re
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from agent.endpoint.settings import Shapes
from agent.tokens import count_tokens

Body = dict[str, Any]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Answered in place of a completion; `cut`: a stream that breaks off after so many pieces."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = {}
    cut: int | None = None


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What the script says as one sample; `calls` are (name, arguments as text), `logprobs` of the first token."""

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    finish: str = ""
    logprobs: dict[str, float] = {}


Script = Callable[[Body], str | Said | Failure]


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What the endpoint can do; it ignores, as most do, the fields that it does not know."""

    shapes: tuple[Shapes, ...] = ("response_format",)
    samples: bool = True
    logprobs: bool = True
    tool_calls: bool = True
    usage: bool = True
    models: tuple[str, ...] = ("scripted",)
    context_tokens: int | None = None


class ScriptedEndpoint:
    """A running endpoint. `requests` are the bodies that it got, `keys` the Authorization headers with them."""

    def __init__(self, script: Script, abilities: Abilities) -> None:
        self.abilities = abilities
        self.script = script
        self.base_url = ""
        self.requests: list[Body] = []
        self.keys: list[str | None] = []
        self.listening = threading.Event()
        """Set when a streamed answer has begun."""
        self.cancelled = threading.Event()
        """Set when a client has gone in the middle of a streamed answer."""
        self._prompts: list[str] = []
        self._lock = threading.Lock()

    def completion(self, body: Body) -> Body | Failure:
        """What the endpoint answers to one request."""
        many = int(body.get("n") or 1) if self.abilities.samples else 1
        said: list[Said] = []
        for _ in range(many):
            each = self.script(body)
            if isinstance(each, Failure):
                return each
            said.append(_held(Said(text=each) if isinstance(each, str) else each, body, self.abilities))
        answer: Body = {
            "object": "chat.completion",
            "model": body.get("model"),
            "choices": [_choice(each, index, body, self.abilities) for index, each in enumerate(said)],
        }
        return answer | ({"usage": self._usage(body, said)} if self.abilities.usage else {})

    def _usage(self, body: Body, said: list[Said]) -> Body:
        """The prefix cache knows every prompt before, character by character."""
        prompt = "\n".join(str(message.get("content")) for message in body["messages"])
        with self._lock:
            cached = max((_common(prompt, earlier) for earlier in self._prompts), default=0)
            self._prompts.append(prompt)
        return {
            "prompt_tokens": count_tokens(prompt),
            "completion_tokens": sum(count_tokens(each.text) for each in said),
            "prompt_tokens_details": {"cached_tokens": cached // 4},
        }


@contextmanager
def scripted_endpoint(script: Script, abilities: Abilities | None = None) -> Generator[ScriptedEndpoint]:
    """A server on this machine's loopback. The script is given each request's body, once for each sample."""
    endpoint = ScriptedEndpoint(script, abilities or Abilities())
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, endpoint)) as server:
        server.daemon_threads = True
        endpoint.base_url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, endpoint: ScriptedEndpoint, *connection: Any) -> None:
        self._endpoint = endpoint
        super().__init__(*connection)  # which answers the request

    def do_GET(self) -> None:
        if not self.path.endswith("/models"):
            self._send(404, "{}", {})
            return
        length = self._endpoint.abilities.context_tokens
        rows = [
            {"id": name} | ({"max_model_len": length} if length else {}) for name in self._endpoint.abilities.models
        ]
        self._send(200, json.dumps({"object": "list", "data": rows}), {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self._endpoint.requests.append(body)
        self._endpoint.keys.append(self.headers.get("authorization"))
        answer = self._endpoint.completion(body)
        if isinstance(answer, Failure) and answer.cut is None:
            self._send(answer.status, answer.body, answer.headers)
        elif body.get("stream"):
            with suppress(ConnectionError):
                self._stream(answer)
        else:
            self._send(200, json.dumps(answer if isinstance(answer, dict) else {}), {})

    def _stream(self, answer: Body | Failure) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self._endpoint.listening.set()
        if isinstance(answer, Failure):
            for _ in range(answer.cut or 0):
                self._event({"choices": [{"index": 0, "delta": {"content": "piece "}}]})
            return
        try:
            for chunk in _chunks(answer):
                self._event(chunk)
        except ConnectionError:
            self._endpoint.cancelled.set()
            raise
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, chunk: Body) -> None:
        self.wfile.write(b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\r\n\r\n")
        self.wfile.flush()

    def _send(self, status: int, text: str, headers: dict[str, str]) -> None:
        content = text.encode()
        self.send_response(status)
        for name, value in {"content-length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Nothing is logged."""


def _chunks(answer: Body) -> Iterator[Body]:
    """Word by word; the tokens' log-probabilities and the calls at the first, the counts at the end."""
    for choice in answer["choices"]:
        message, index = choice["message"], choice["index"]
        for number, piece in enumerate(re.findall(r"\S+\s*|\s+", message["content"] or "")):
            rows = {"logprobs": choice.get("logprobs")} if number == 0 else {}
            yield {"choices": [{"index": index, "delta": {"content": piece}, **rows}]}
        for place, call in enumerate(message.get("tool_calls") or ()):
            name, arguments = call["function"]["name"], call["function"]["arguments"]
            for function in (
                {"name": name, "arguments": ""},
                {"arguments": arguments[:3]},
                {"arguments": arguments[3:]},
            ):
                part = {"index": place, "id": call["id"] if "name" in function else None, "function": function}
                yield {"choices": [{"index": index, "delta": {"tool_calls": [part]}}]}
        yield {"choices": [{"index": index, "delta": {}, "finish_reason": choice["finish_reason"]}]}
    yield {"model": answer["model"], "choices": [], "usage": answer.get("usage")}


def _choice(said: Said, index: int, body: Body, abilities: Abilities) -> Body:
    calls = [
        {"id": f"call_{index}_{place}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for place, (name, arguments) in enumerate(said.calls if abilities.tool_calls else ())
    ]
    choice: Body = {
        "index": index,
        "message": {"role": "assistant", "content": said.text or None, "tool_calls": calls or None},
        "finish_reason": said.finish or ("tool_calls" if calls else "stop"),
    }
    if body.get("logprobs") and abilities.logprobs:
        choice["logprobs"] = {"content": _token_rows(said)}
    return choice


def _token_rows(said: Said) -> list[Body]:
    first, *rest = re.findall(r"\w+|\W", said.text) or [""]
    odds = said.logprobs or {first: -0.1}
    alternatives = [{"token": token, "logprob": logprob} for token, logprob in odds.items()]
    return [
        {"token": first, "logprob": odds.get(first, -0.1), "top_logprobs": alternatives},
        *({"token": token, "logprob": 0.0, "top_logprobs": []} for token in rest),
    ]


def _held(said: Said, body: Body, abilities: Abilities) -> Said:
    """The sample within the shape that the request asks for, if the endpoint knows how."""
    choices, schema = _asked_for(body, abilities)
    if choices and said.text not in choices:
        return msgspec.structs.replace(said, text=choices[0])
    if schema is not None and not _is_json(said.text):
        return msgspec.structs.replace(said, text=json.dumps(_instance(schema)))
    return said


def _asked_for(body: Body, abilities: Abilities) -> tuple[list[str], Body | None]:
    if "structured_outputs" in abilities.shapes and (wanted := body.get("structured_outputs")):
        return wanted.get("choice") or [], wanted.get("json")
    if "grammar" in abilities.shapes and (grammar := body.get("grammar")):
        return [json.loads(label) for label in re.findall(r'"(?:[^"\\]|\\.)*"', grammar)], None
    if {"response_format", "grammar"} & set(abilities.shapes) and (wanted := body.get("response_format")):
        return [], wanted["json_schema"]["schema"]
    return [], None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _instance(schema: Body) -> Any:
    """The plainest value of a schema."""
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties") or {}
            return {name: _instance(properties.get(name, {})) for name in schema.get("required") or ()}
        case "array":
            return []
        case kind:
            return {"integer": 0, "number": 0, "boolean": False, "null": None}.get(str(kind), "")


def _common(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))
