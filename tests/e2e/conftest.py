"""The command line as its users have it: processes of their own, each test module with a state folder of its own."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from mcp import StdioServerParameters

SERVERS = Path(__file__).parents[1] / "servers"
_COMMAND_S = 60.0


class Quartermaster:
    """`quartermaster` on one state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.argv = [str(Path(sys.executable).with_name("quartermaster")), "--home", str(folder / "home")]

    def run(self, *arguments: str, fails: bool = False) -> str:
        """What a command printed on stdout; it must succeed, or fail, as is said."""
        done = subprocess.run(
            [*self.argv, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
        )
        assert bool(done.returncode) == fails, f"{arguments} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *arguments: str, fails: bool = False) -> Any:
        return json.loads(self.run(*arguments, "--json", fails=fails))

    def add(self, name: str, script: str, *arguments: str) -> None:
        """Register a server of tests/servers."""
        self.run("servers", "add", name, "--", sys.executable, str(SERVERS / script), *arguments)

    def servers(self) -> dict[str, dict[str, Any]]:
        """Every server as `servers list --json` gives it, by name."""
        return {entry["name"]: entry for entry in self.json("servers", "list")}

    def found(self, query: str) -> list[str]:
        """The ids that `search` finds, best first."""
        return [entry["tool_id"] for entry in self.json("search", query, "-k", "3")]

    @property
    def gateway(self) -> StdioServerParameters:
        return StdioServerParameters(
            command=self.argv[0], args=[*self.argv[1:], "gateway"], env={"QUARTERMASTER_GATEWAY_REFRESH_S": "0.1"}
        )

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("QUARTERMASTER_")}
        return kept | {"QUARTERMASTER_GATEWAY_REFRESH_S": "0.1"}

    @contextmanager
    def serve(self, *options: str) -> Generator[str]:
        """The URL of a running `quartermaster serve`."""
        port = free_port()
        argv = [*self.argv, "serve", "--port", str(port), *options]
        with running(argv, f"http://127.0.0.1:{port}/readyz", self.folder / "serve.log", self.environment):
            yield f"http://127.0.0.1:{port}/mcp"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(argv: list[str], url: str, log: Path, environment: dict[str, str] | None = None) -> Generator[None]:
    """A process that serves HTTP, from its first answer until the block ends."""
    with log.open("ab") as errors:
        process = subprocess.Popen(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )
    try:
        deadline = time.monotonic() + 30
        while not _answers(url):
            assert process.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < deadline, log.read_text("utf-8")
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        urlopen(url, timeout=5).close()
    except HTTPError as error:
        error.close()
    except (URLError, OSError):
        return False
    return True


@pytest.fixture(scope="module")
def new_quartermaster(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Quartermaster]:
    """Makes the command line over a new, empty state folder."""
    return lambda: Quartermaster(tmp_path_factory.mktemp("quartermaster"))


@pytest.fixture(scope="module")
def echo_over_http(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The URL of tests/servers/echo.py, running over streamable HTTP."""
    port, log = free_port(), tmp_path_factory.mktemp("echo") / "log"
    argv = [sys.executable, str(SERVERS / "echo.py"), "--http", str(port)]
    with running(argv, f"http://127.0.0.1:{port}/", log):
        yield f"http://127.0.0.1:{port}/mcp"
