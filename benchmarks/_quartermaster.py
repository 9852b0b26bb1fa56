"""The command line under measurement, always as processes of its own: one command, or a gateway that runs."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from mcp import StdioServerParameters

ROOT = Path(__file__).resolve().parents[1]
TEST_SERVERS = ROOT / "tests" / "servers"
_COMMAND_S = 1200.0
_START_S = 60.0
_STOP_S = 30.0


class CommandFailed(Exception):
    """A command ended with an error; the message is what it said."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The `quartermaster` command on one state folder."""

    home: Path

    @property
    def argv(self) -> list[str]:
        return [str(Path(sys.executable).with_name("quartermaster")), "--home", str(self.home)]

    @property
    def gateway(self) -> StdioServerParameters:
        """How a client starts the gateway on stdin and stdout."""
        return StdioServerParameters(command=self.argv[0], args=[*self.argv[1:], "gateway"])

    def run(self, *arguments: str) -> str:
        """What a command printed.

        Raises:
            CommandFailed: its exit code is not 0.
        """
        done = subprocess.run(
            [*self.argv, *arguments],
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
        )
        if done.returncode:
            raise CommandFailed(f"quartermaster {' '.join(arguments)}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def add(self, name: str, *argv: str, env: dict[str, str] | None = None, options: tuple[str, ...] = ()) -> None:
        """`servers add NAME -- ARGV`."""
        pairs = [text for key, value in (env or {}).items() for text in ("--env", f"{key}={value}")]
        self.run("servers", "add", name, "--replace", *options, *pairs, "--", *argv)


@dataclass(frozen=True, slots=True)
class Running:
    """A process that serves HTTP."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def serve(command_line: CommandLine, *options: str, log: Path) -> Generator[Running]:
    """`quartermaster serve` on a free port, ready; ended with the block."""
    port = free_port()
    argv = [*command_line.argv, "serve", "--port", str(port), *options]
    with running(argv, f"http://127.0.0.1:{port}/mcp", ready=f"http://127.0.0.1:{port}/readyz", log=log) as gateway:
        yield gateway


@contextmanager
def running(argv: list[str], url: str, *, ready: str, log: Path) -> Generator[Running]:
    """A server's process from the moment that `ready` answers anything until the end of the block."""
    with log.open("ab") as errors:
        process = subprocess.Popen(
            argv, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )
    try:
        _await(process, ready, log)
        yield Running(url, process)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment() -> dict[str, str]:
    """Ours, without what would lead to the user's own state folder or settings."""
    return {key: value for key, value in os.environ.items() if not key.startswith("QUARTERMASTER_")}


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urlopen(url, timeout=1).close()
        except URLError as error:
            if getattr(error, "code", None):
                return  # an answer, whatever it says
        except OSError:
            pass
        else:
            return
        time.sleep(0.05)
    raise CommandFailed(f"{process.args} did not serve: {log.read_text('utf-8', errors='replace')[-2000:]}")
