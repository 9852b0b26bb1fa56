"""Pulling from a URL, over real HTTP: broken off, resumed, refused, and content that is not what it should be."""

import hashlib
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from agent.errors import ModelError
from agent.models.hub import fetch_url
from agent.models.manifest import ModelSpec
from agent.models.pull import pull_model
from agent.models.shelf import partial_of
from agent.models.source import SourceFailed, Watch
from mcp_registry.home import Home

_CONTENT = random.Random(1).randbytes(300_000)


class Hub:
    """A server of one file. It sends at most so many bytes an answer, and may ignore ranges or only say a status."""

    def __init__(self) -> None:
        self.url = ""
        self.content = _CONTENT
        self.most = 1 << 30
        self.ranges = True
        self.statuses: list[int] = []
        self.asked: list[str] = []


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    with _serving(made) as port:
        made.url = f"http://127.0.0.1:{port}/tiny.gguf"
        yield made


def test_a_model_is_fetched_verified_and_put_in_place(home: Home, hub: Hub) -> None:
    told: list[tuple[int, int]] = []
    path = pull_model(home, _spec(hub), watch=Watch(progress=lambda done, total: told.append((done, total))))
    assert path == home.path / "models" / "tiny.gguf"
    assert path.read_bytes() == _CONTENT
    assert told[-1] == (300_000, 300_000)
    assert not partial_of(home, _spec(hub)).exists()


def test_what_is_there_is_not_fetched_again(home: Home, hub: Hub) -> None:
    pull_model(home, _spec(hub))
    pull_model(home, _spec(hub))
    assert len(hub.asked) == 1


def test_a_download_that_breaks_off_is_gone_on_with(home: Home, hub: Hub) -> None:
    hub.most = 120_000
    assert _fetched(home, _spec(hub)) == _CONTENT
    assert hub.asked == ["", "bytes=120000-", "bytes=240000-"]


def test_a_server_that_knows_no_ranges_is_read_from_the_beginning(home: Home, hub: Hub) -> None:
    hub.ranges = False
    _begun(home, hub, _CONTENT[:1000])
    assert pull_model(home, _spec(hub)).read_bytes() == _CONTENT


def test_a_beginning_that_was_wrong_is_fetched_anew(home: Home, hub: Hub) -> None:
    _begun(home, hub, b"x" * 1000)
    assert pull_model(home, _spec(hub)).read_bytes() == _CONTENT
    assert hub.asked == ["bytes=1000-", ""]


def test_a_size_that_nobody_says_is_found_out(home: Home, hub: Hub) -> None:
    _begun(home, hub, _CONTENT)
    assert pull_model(home, _spec(hub, size=0)).read_bytes() == _CONTENT
    assert hub.asked == ["bytes=300000-"]


def test_a_busy_server_is_asked_again(home: Home, hub: Hub) -> None:
    hub.statuses = [503, 429]
    assert _fetched(home, _spec(hub)) == _CONTENT


def test_a_server_that_stays_busy_is_given_up(home: Home, hub: Hub) -> None:
    hub.statuses = [503] * 100
    with pytest.raises(SourceFailed, match="503"):
        _fetched(home, _spec(hub))
    assert len(hub.asked) == 4


def test_another_content_is_named_and_only_it_is_deleted(home: Home, hub: Hub) -> None:
    other = pull_model(home, _spec(hub, name="other", file="other.gguf"))
    hub.content = b"y" * 300_000
    with pytest.raises(ModelError, match=hashlib.sha256(hub.content).hexdigest()):
        pull_model(home, _spec(hub))
    assert not partial_of(home, _spec(hub)).exists()
    assert other.read_bytes() == _CONTENT


def test_a_longer_file_than_it_should_be_is_not_fetched(home: Home, hub: Hub) -> None:
    hub.content = _CONTENT * 2
    with pytest.raises(ModelError, match="has 600000 bytes, not the 300000"):
        pull_model(home, _spec(hub))


def test_a_missing_file_is_an_error_at_once_and_says_what_else_can_be_done(home: Home, hub: Hub) -> None:
    hub.statuses = [404]
    with pytest.raises(ModelError, match=r"404 .*--source FILE"):
        pull_model(home, _spec(hub))
    assert len(hub.asked) == 1


def test_without_a_network_the_error_says_what_was_tried(home: Home) -> None:
    spec = ModelSpec(name="tiny", file="tiny.gguf", sha256="0" * 64, url="http://127.0.0.1:9/tiny.gguf")
    with pytest.raises(ModelError, match=r"cannot pull tiny: hub: http://127\.0\.0\.1:9/.*ConnectError"):
        pull_model(home, spec)


def test_a_pulled_file_that_was_changed_is_fetched_anew(home: Home, hub: Hub) -> None:
    path = pull_model(home, _spec(hub))
    path.write_bytes(b"z" * 300_000)
    notes: list[str] = []
    assert pull_model(home, _spec(hub), watch=Watch(note=notes.append)).read_bytes() == _CONTENT
    assert "it is deleted" in notes[0]


def test_two_pulls_at_once_fetch_it_once(home: Home, hub: Hub) -> None:
    done: list[object] = []
    pulls = [threading.Thread(target=lambda: done.append(pull_model(home, _spec(hub)))) for _ in range(3)]
    for pull in pulls:
        pull.start()
    for pull in pulls:
        pull.join(30)
    assert len(done) == 3
    assert len(hub.asked) == 1


def _spec(hub: Hub, *, name: str = "tiny", file: str = "tiny.gguf", size: int = 300_000) -> ModelSpec:
    return ModelSpec(name=name, file=file, size=size, sha256=hashlib.sha256(_CONTENT).hexdigest(), url=hub.url)


def _begun(home: Home, hub: Hub, content: bytes) -> None:
    partial = partial_of(home, _spec(hub))
    partial.parent.mkdir()
    partial.write_bytes(content)


def _fetched(home: Home, spec: ModelSpec) -> bytes:
    """Fetched without waiting between the attempts."""
    partial = partial_of(home, spec)
    partial.parent.mkdir(exist_ok=True)
    fetch_url(spec, partial, sleep=lambda _: None)
    return partial.read_bytes()


@contextmanager
def _serving(hub: Hub) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("range", "")
            hub.asked.append(asked)
            if hub.statuses:
                return self.send_error(hub.statuses.pop(0))
            begin = int(asked.removeprefix("bytes=").removesuffix("-") or 0) if hub.ranges else 0
            if begin >= len(hub.content):
                self.send_response(416)
                self.send_header("content-range", f"bytes */{len(hub.content)}")
                self.send_header("content-length", "0")
                return self.end_headers()
            self.send_response(206 if begin else 200)
            if begin:
                self.send_header("content-range", f"bytes {begin}-{len(hub.content) - 1}/{len(hub.content)}")
            self.send_header("content-length", str(len(hub.content) - begin))
            self.end_headers()
            with suppress(ConnectionError):  # whoever has seen enough hangs up
                self.wfile.write(hub.content[begin : begin + hub.most])
            self.close_connection = True
            return None

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
