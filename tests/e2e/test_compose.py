"""compose.yaml: a file that Docker reads, and a service command that runs as it stands there."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from agent.endpoint.testing import scripted_endpoint

_ROOT = Path(__file__).resolve().parents[2]
_FILE = _ROOT / "compose.yaml"
_PORT = "8765"
_START_S = 60.0


@pytest.fixture
def project() -> dict[str, Any]:
    return yaml.safe_load(_FILE.read_text(encoding="utf-8"))


def _docker_compose(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "POSTGRES_PASSWORD"} | variables
    return subprocess.run(
        ["docker", "compose", "--file", str(_FILE), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _require_docker_compose() -> None:
    try:
        found = _docker_compose("version").returncode == 0
    except OSError:
        found = False
    if not found:
        pytest.skip("docker compose is not installed, so nothing here can read compose.yaml as Docker does")


@pytest.mark.parametrize(
    ("profiles", "services"),
    [
        ((), {"gateway", "database"}),
        (("--profile", "gpu"), {"gateway", "database", "llm"}),
        (("--profile", "agent"), {"gateway", "database", "agent"}),
    ],
)
def test_docker_compose_accepts_the_file(profiles: tuple[str, ...], services: set[str]) -> None:
    _require_docker_compose()
    done = _docker_compose(*profiles, "config", "--services", POSTGRES_PASSWORD="chosen for this test")
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == services


def test_docker_compose_asks_for_the_password_rather_than_inventing_one(tmp_path: Path) -> None:
    _require_docker_compose()
    nothing = tmp_path / ".env"
    nothing.touch()
    done = _docker_compose("--env-file", str(nothing), "config")
    assert done.returncode != 0
    assert "choose the password of the database" in done.stderr


def test_every_published_port_is_bound_to_this_host_only(project: dict[str, Any]) -> None:
    ports = [port for service in project["services"].values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_service_has_a_healthcheck_and_a_pinned_image(project: dict[str, Any]) -> None:
    for name, service in project["services"].items():
        assert service["healthcheck"]["test"], name
        if "build" not in service:
            _, _, tag = service["image"].partition(":")
            assert any(character.isdigit() for character in tag), f"{name} names no version"


def test_the_service_answers_on_a_real_postgresql(project: dict[str, Any], tmp_path: Path, postgres_url: str) -> None:
    gateway = project["services"]["gateway"]
    port = _free_port()
    health = _here(gateway["healthcheck"]["test"][1:], port)
    assert subprocess.run(health, capture_output=True, timeout=30, check=False).returncode != 0, "who answers already?"
    environment = os.environ | {
        key: value for key, value in gateway["environment"].items() if key.startswith("QUARTERMASTER_")
    }
    environment |= {"QUARTERMASTER_HOME": str(tmp_path / "home"), "QUARTERMASTER_DATABASE_URL": postgres_url}
    with _running(_here(gateway["command"], port), environment, tmp_path / "service.log") as process:
        _wait_until_healthy(health, process, tmp_path / "service.log")
    assert not (tmp_path / "home" / "catalogue.db").exists(), "the service wrote to SQLite instead"


def test_the_agent_answers_on_a_real_postgresql_and_asks_for_its_key(
    project: dict[str, Any], tmp_path: Path, postgres_url: str
) -> None:
    agent = project["services"]["agent"]
    port = _free_port()
    health = _here(agent["healthcheck"]["test"][1:], port, "8766")
    key = "chosen for this test"
    with scripted_endpoint(lambda body: json.dumps({"answer": "forty-two"})) as llm:
        environment = os.environ | {
            "QUARTERMASTER_HOME": str(tmp_path / "home"),
            "QUARTERMASTER_DATABASE_URL": postgres_url,
            "QUARTERMASTER_API_KEY": key,
            "QUARTERMASTER_LLM_URL": llm.base_url,
            "QUARTERMASTER_AGENT_PLANNER": "react",
        }
        assert set(environment) >= {name for name in agent["environment"] if name.startswith("QUARTERMASTER_LLM_U")}
        with _running(_here(agent["command"], port, "8766"), environment, tmp_path / "agent.log") as process:
            _wait_until_healthy(health, process, tmp_path / "agent.log")
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                assert client.get("/runs").status_code == 401
                client.headers["authorization"] = f"Bearer {key}"
                body = {"model": "quartermaster/react", "messages": [{"role": "user", "content": "the answer?"}]}
                said = client.post("/v1/chat/completions", json=body).json()
                assert said["choices"][0]["message"]["content"] == "forty-two"
                assert [run["status"] for run in client.get("/runs").json()["runs"]] == ["done"]
    assert not list((tmp_path / "home").glob("*.db")), "the service wrote to SQLite instead"


def test_the_agent_without_a_key_is_not_published(project: dict[str, Any], tmp_path: Path) -> None:
    command = _here(project["services"]["agent"]["command"], _free_port(), "8766")
    environment = {name: value for name, value in os.environ.items() if name != "QUARTERMASTER_API_KEY"}
    done = subprocess.run(
        [*command, "--home", str(tmp_path)], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "QUARTERMASTER_API_KEY" in done.stderr


def _here(command: list[str], port: int, published: str = _PORT) -> list[str]:
    """A command of the file on this machine: our interpreter and scripts, and a port that is free here."""
    scripts = Path(sys.executable).parent
    program = {"python": sys.executable, "quartermaster": str(scripts / "quartermaster")}[command[0]]
    assert any(published in argument for argument in command[1:]), "the port is not in the command"
    return [program, *(argument.replace(published, str(port)) for argument in command[1:])]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def _running(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 128 + signal.SIGTERM, log.read_text(errors="replace")
        finally:
            process.kill()
            process.wait(timeout=20)


def _wait_until_healthy(health: list[str], process: subprocess.Popen[bytes], log: Path) -> None:
    """Ask as Docker would, again and again; a new interpreter each time is pause enough between two tries."""
    deadline = time.monotonic() + _START_S
    while True:
        asked = subprocess.run(health, capture_output=True, text=True, timeout=_START_S, check=False)
        if asked.returncode == 0:
            return
        said = log.read_text(errors="replace")
        assert process.poll() is None, f"the service ended with {process.returncode}:\n{said}"
        assert time.monotonic() < deadline, f"not ready within {_START_S} s: {asked.stderr[-300:]}\n{said}"
