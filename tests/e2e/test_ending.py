"""Told to end, the gateway ends what it started, even while its client stays."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

_WAIT_S = 20.0


@pytest.fixture(scope="module")
def quartermaster(new_quartermaster: Callable[[], Any]) -> Any:
    command_line = new_quartermaster()
    command_line.add("echo", "echo.py")
    command_line.run("servers", "sync")
    return command_line


def is_gone(pid: int) -> bool:
    """Whether a process has ended, waiting for it in bounded time; what nobody has reaped yet has ended, too."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{pid}/stat")
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(("told", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_gateway_on_stdio_ends_its_servers_while_its_client_keeps_the_pipe_open(
    quartermaster: Any, told: signal.Signals, code: int
) -> None:
    process = subprocess.Popen(
        [*quartermaster.argv, "gateway"],
        env=quartermaster.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:

        def ask(number: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
            line = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
            print(line, file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())["result"]

        about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
        ask(1, "initialize", about)
        print(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}), file=process.stdin, flush=True)
        call = {"name": "call_tool", "arguments": {"tool_id": "echo/pid", "arguments": {}}}
        server = int(ask(2, "tools/call", call)["content"][0]["text"])
        process.send_signal(told)
        assert process.wait(_WAIT_S) == code
        assert is_gone(server)


def test_started_by_a_script_in_the_background_it_ends_when_told(quartermaster: Any) -> None:
    """Such a process begins with SIGINT ignored."""
    script = 'trap "" INT; exec "$@"'
    with subprocess.Popen(
        ["sh", "-c", script, "sh", *quartermaster.argv, "serve", "--port", "0"],
        env=quartermaster.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline()  # it says that it serves
        process.send_signal(signal.SIGTERM)
        assert process.wait(_WAIT_S) == 143


async def test_a_gateway_on_http_ends_its_servers(quartermaster: Any) -> None:
    with quartermaster.serve() as url:
        async with Client(url) as client:
            answer = await client.call_tool("call_tool", {"tool_id": "echo/pid", "arguments": {}})
        server = int(answer.content[0].text)
    assert is_gone(server)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")
def test_a_watching_sync_ends_its_servers_and_says_nothing_about_it(quartermaster: Any) -> None:
    process = subprocess.Popen(
        [*quartermaster.argv, "servers", "sync", "--watch"],
        env=quartermaster.environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process:
        for line in process.stderr:
            if "watching" in line:
                break
        process.terminate()
        assert "Traceback" not in process.stderr.read()
        assert process.wait(_WAIT_S) == 143
