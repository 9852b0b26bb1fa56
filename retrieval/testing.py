"""Fakes that tests and examples use: no model, no file, the same result everywhere."""

import json
import re
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zlib import crc32

import numpy as np

from retrieval.embedding import TextKind, Vectors

_WORD = re.compile(r"[^\W_]+")


class HashEmbedder:
    """A bag of lower-cased words, hashed: texts that share words are near each other, and that is all it knows.

    `snake_case` is two words; a text without words is a fixed vector.
    """

    def __init__(self, dim: int = 64) -> None:
        if dim < 1:
            raise ValueError(f"a vector needs at least one number, not {dim}")
        self._dim = dim

    @property
    def id(self) -> str:
        return f"hash-{self._dim}"

    @property
    def dim(self) -> int:
        return self._dim

    def embed(
        self, texts: Sequence[str], *, kind: TextKind = "document", progress: Callable[[int], None] | None = None
    ) -> Vectors:
        """float32[len(texts), dim], unit rows."""
        del kind
        vectors = np.zeros((len(texts), self._dim), np.float32)
        for row, text in enumerate(texts):
            words = _WORD.findall(text.lower()) or [""]
            for word in words:
                vectors[row, crc32(word.encode("utf-8", "surrogatepass")) % self._dim] += 1
            if progress is not None:
                progress(row + 1)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class WordReranker:
    """The share of the query's words that a passage has."""

    id = "words"

    def score(self, query: str, passages: Sequence[str]) -> Vectors:
        """float32[len(passages)], from 0 to 1."""
        asked = set(_WORD.findall(query.lower()))
        shares = [len(asked.intersection(_WORD.findall(text.lower()))) / max(len(asked), 1) for text in passages]
        return np.array(shares, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a scripted endpoint answers: `content` in a chat completion, or `body` as it stands."""

    content: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: str | None = None


@dataclass(slots=True, kw_only=True)
class ScriptedLlm:
    """An OpenAI-compatible endpoint that runs. `requests` are the bodies that it got, `headers` what came with them."""

    base_url: str
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


@contextmanager
def scripted_llm(answer: Callable[[dict[str, Any]], Reply | str]) -> Generator[ScriptedLlm]:
    """A real HTTP server on this machine's loopback; `answer` is given each request's body, and a text is a reply."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            llm.requests.append(body)
            llm.headers.append({name.lower(): value for name, value in self.headers.items()})
            said = answer(body)
            reply = Reply(content=said) if isinstance(said, str) else said
            completion = {"choices": [{"message": {"role": "assistant", "content": reply.content}}]}
            text = (json.dumps(completion) if reply.body is None else reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"content-length": str(len(text)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
            """Nothing is logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        llm = ScriptedLlm(base_url=f"http://127.0.0.1:{server.server_port}/v1")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield llm
        finally:
            server.shutdown()
            thread.join()
