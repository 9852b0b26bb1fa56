"""A small vLLM: real HTTP on the loopback, the endpoints that training uses, and a bigram model of 32 ids."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

VOCABULARY = 32
END = 3


class Engine:
    """What it was started with, and what became of it. `weights` is the seed that the model is made from.

    defaults: sampling parameters that it sets by itself. hold: while it is set, completions stop after three ids until
    something ends them; those that begin after that do not.
    """

    def __init__(self, **start: Any) -> None:
        self.defaults: dict[str, float] = start.get("defaults", {})
        self.processed: bool = start.get("processed", True)
        self.dev: bool = start.get("dev", True)
        self.lora: bool = start.get("lora", True)
        self.failures: list[tuple[int, str]] = start.get("failures", [])
        self.base_url = ""
        self.label = "default"
        self.weights = 0
        self.adapters: dict[str, int] = {}
        self.requests: list[tuple[str, Any]] = []
        self.paused = False
        self.hold = threading.Event()
        self.at_work = threading.Semaphore(0)
        self.epoch = 0
        self.lock = threading.Condition()

    def bodies(self, path: str) -> list[Any]:
        return [body for at, body in self.requests if at == path]

    def odds(self, model: str, ids: list[int], asked: dict[str, Any]) -> tuple[Any, Any]:
        """Log-probabilities of the next id: those that it is drawn with, and those that are told."""
        seed = self.adapters.get(model, self.weights)
        logits, raw = (each.copy() for each in _bigram(seed, ids[-1] % VOCABULARY))
        known = {"temperature": 1.0, "top_k": 0, "repetition_penalty": 1.0} | self.defaults
        known |= {name: value for name, value in asked.items() if name in known}
        if known["repetition_penalty"] != 1.0:
            seen = sorted({id_ % VOCABULARY for id_ in ids})
            logits[seen] -= known["repetition_penalty"]
        drawn = logits / max(known["temperature"], 0.01)
        if known["top_k"] > 0:
            drawn[np.argsort(drawn)[: -int(known["top_k"])]] = -np.inf
        drawn = drawn - np.log(np.exp(drawn - drawn.max()).sum()) - drawn.max()
        return drawn, drawn if self.processed else raw

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            self.lock.wait_for(lambda: not self.paused)
            epoch = self.epoch
        random = np.random.default_rng(body["seed"])
        ids: list[int] = []
        logprobs: list[float] = []
        finish = "length"
        while len(ids) < body["max_tokens"]:
            drawn, told = self.odds(body["model"], [*body["prompt"], *ids], body)
            ids.append(int(np.argmax(drawn + random.gumbel(size=VOCABULARY))))
            logprobs.append(float(told[ids[-1]]))
            if ids[-1] in body.get("stop_token_ids", ()):
                finish = "stop"
                break
            if self.hold.is_set() and epoch == 0 and len(ids) == 3:
                with self.lock:
                    self.at_work.release()
                    self.lock.wait_for(lambda: self.epoch != epoch or not self.hold.is_set())
            if self.epoch != epoch:
                finish = "abort"
                break
        choice = {"index": 0, "text": "", "logprobs": {"token_logprobs": logprobs}, "finish_reason": finish}
        return {"choices": [choice | ({"token_ids": ids} if body.get("return_token_ids") else {})]}

    def end_all(self) -> None:
        with self.lock:
            self.epoch += 1
            self.lock.notify_all()

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "GET":
            return self._look(path)
        if path == "/v1/completions":
            if body["model"] != "base" and body["model"] not in self.adapters:
                return 404, {"error": {"message": f"The model `{body['model']}` does not exist."}}
            return 200, self.complete(body)
        if path.endswith("lora_adapter") and self.lora:
            return self._adapter(path, body)
        return self._steer(path, body) if self.dev else (404, {"detail": "Not Found"})

    def _look(self, path: str) -> tuple[int, Any]:
        if path == "/v1/models":
            return 200, {"data": [{"id": name} for name in ("base", *self.adapters)]}
        if path.startswith("/server_info") and self.dev:
            mode = "processed_logprobs" if self.processed else "raw_logprobs"
            config = {"generation_config": "vllm", "override_generation_config": self.defaults, "logprobs_mode": mode}
            return 200, {"vllm_config": {"model_config": config}}
        if path == "/weight_info" and self.dev:
            return 200, {"weight_version": self.label}
        return 404, {"detail": "Not Found"}

    def _adapter(self, path: str, body: Any) -> tuple[int, Any]:
        if path.endswith("unload_lora_adapter"):
            del self.adapters[body["lora_name"]]
        elif body["lora_name"] in self.adapters:
            return 400, {"error": {"message": f"{body['lora_name']} has already been loaded"}}
        else:
            self.adapters[body["lora_name"]] = int((Path(body["lora_path"]) / "weights").read_text())
        return 200, "done"

    def _steer(self, path: str, body: Any) -> tuple[int, Any]:
        match path.partition("?")[0]:
            case "/pause":
                self.paused = True
                if "abort" in path:
                    self.end_all()
            case "/resume":
                with self.lock:
                    self.paused = False
                    self.lock.notify_all()
            case "/abort_requests":
                self.end_all()
            case "/collective_rpc":
                file = Path(body["kwargs"]["weights_path"]) / "weights"
                if not file.is_file():
                    return 400, {"error": {"message": "no such weights"}}
                self.weights = int(file.read_text())
            case "/update_weight_version":
                self.label = body["new_version"]
            case "/reset_prefix_cache":
                return 200, {"success": True}
            case _:
                return 404, {"detail": "Not Found"}
        return 200, {"status": "done"}


@cache
def _bigram(seed: int, last: int) -> tuple[Any, Any]:
    """Logits after an id, and the log-probabilities that they stand for."""
    logits = np.random.default_rng([seed, last]).normal(scale=1.5, size=VOCABULARY)
    return logits, logits - np.log(np.exp(logits).sum())


@contextmanager
def running_engine(**start: Any) -> Generator[Engine]:
    """An engine that answers until the block ends."""
    engine = Engine(**start)
    with _Server(("127.0.0.1", 0), partial(_Handler, engine)) as server:
        engine.base_url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield engine
        finally:
            engine.hold.clear()
            engine.paused = False
            engine.end_all()
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # a probe comes as seventy requests at once


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, engine: Engine, *connection: Any) -> None:
        self._engine = engine
        super().__init__(*connection)

    def do_GET(self) -> None:
        self._send(*self._engine.answer("GET", self.path, None))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
        self._engine.requests.append((self.path, body))
        if self._engine.failures:
            status, text = self._engine.failures.pop(0)
            self._send(status, {"error": {"message": text}})
            return
        self._send(*self._engine.answer("POST", self.path, body))

    def _send(self, status: int, answer: Any) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Nothing is logged."""
