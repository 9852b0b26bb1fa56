import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from mcp_registry.server import Stdio
from mcp_registry.transports.process import Child

pytestmark = pytest.mark.usefixtures("no_process_left")

SERVERS = Path(__file__).parents[1] / "servers"


def python(code: str, *args: str, **more) -> Stdio:
    return Stdio(command=sys.executable, args=("-c", code, *args), **more)


def child_of(stdio: Stdio, lines: list[bytes] | None = None, *, max_message_bytes: int = 1000) -> Child:
    return Child(stdio, max_message_bytes=max_message_bytes, on_line=(lines if lines is not None else []).append)


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody waits for yet has ended too."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


async def test_a_child_gets_the_safe_variables_and_its_own_and_no_others(monkeypatch) -> None:
    monkeypatch.setenv("A_SECRET_OF_OURS", "hunter2")
    lines: list[bytes] = []
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    child = child_of(python(show, env={"MINE": "yes"}), lines, max_message_bytes=100_000)
    await child.start()
    await child.ended
    await child.stop()
    seen = json.loads(lines[0])
    assert seen["MINE"] == "yes"
    assert seen["PATH"] == os.environ["PATH"]
    assert "A_SECRET_OF_OURS" not in seen


async def test_arguments_reach_the_child_as_they_are_and_never_a_shell(tmp_path: Path) -> None:
    lines: list[bytes] = []
    nasty = f"; touch {tmp_path}/hacked $(touch {tmp_path}/hacked) `id` *"
    child = child_of(python("import sys, json; print(json.dumps(sys.argv[1:]))", nasty), lines)
    await child.start()
    await child.ended
    await child.stop()
    assert json.loads(lines[0]) == [nasty]
    assert not (tmp_path / "hacked").exists()


async def test_the_end_of_stderr_is_kept_and_no_more() -> None:
    child = child_of(python("import sys; sys.stderr.write('a' * 100_000 + 'the end'); sys.exit(7)"))
    await child.start()
    assert await child.ended == "it exited with code 7"
    await child.stop()
    assert child.said().endswith("the end")
    assert len(child.said()) <= 4096


async def test_a_killed_child_says_by_what() -> None:
    child = child_of(python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    await child.start()
    assert await child.ended == "it was ended by SIGKILL"
    await child.stop()


async def test_a_closed_stdout_is_the_end_though_the_process_lives() -> None:
    child = child_of(python("import os, sys; os.close(1); sys.stdin.read()"))
    await child.start()
    assert await asyncio.wait_for(child.ended, 10) == "it closed its stdout"
    await child.stop()


async def test_a_closed_stdin_is_the_end_and_nothing_counts_as_written() -> None:
    child = child_of(python("import os, time; os.close(0); print('closed', flush=True); time.sleep(60)"))
    await child.start()
    assert await asyncio.wait_for(child.ended, 10) == "it closed its stdin"
    assert child.write(b"{}\n") is False
    await child.stop()


async def test_a_missing_command_leaves_nothing_to_stop() -> None:
    child = child_of(Stdio(command="no-such-command-anywhere"))
    with pytest.raises(FileNotFoundError):
        await child.start()
    await child.stop()


async def processes(path: Path, until) -> list[int]:
    await until(path.exists)
    return [int(line) for line in path.read_text().split()]


async def test_what_a_polite_server_started_and_forgot_is_ended_with_it(tmp_path: Path, until) -> None:
    child = child_of(Stdio(command=sys.executable, args=(str(SERVERS / "grandchild.py"), str(tmp_path / "pids"))))
    await child.start()
    pids = await processes(tmp_path / "pids", until)
    await child.stop()
    assert [gone(pid) for pid in pids] == [True, True]
    assert await child.ended == "it exited with code 0"


async def test_stubborn_processes_are_ended_in_bounded_time(tmp_path: Path, until) -> None:
    script = (str(SERVERS / "grandchild.py"), str(tmp_path / "pids"), "stubborn")
    child = child_of(Stdio(command=sys.executable, args=script))
    await child.start()
    pids = await processes(tmp_path / "pids", until)
    async with asyncio.timeout(8):
        await child.stop()
    assert [gone(pid) for pid in pids] == [True, True]


async def test_a_stopped_process_is_ended_too() -> None:
    child = child_of(python("import sys; sys.stdin.read()"))
    await child.start()
    os.kill(child.pid, signal.SIGSTOP)
    async with asyncio.timeout(8):
        await child.stop()
    assert gone(child.pid)


async def test_a_cancelled_stop_still_ends_the_process_before_it_gives_way(tmp_path: Path, until) -> None:
    script = (str(SERVERS / "grandchild.py"), str(tmp_path / "pids"))
    child = child_of(Stdio(command=sys.executable, args=script))
    await child.start()
    pids = await processes(tmp_path / "pids", until)
    stopping = asyncio.create_task(child.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert [gone(pid) for pid in pids] == [True, True]


async def test_a_cancelled_start_leaves_a_child_that_stop_ends() -> None:
    child = child_of(python("import sys; sys.stdin.read()"))
    starting = asyncio.create_task(child.start())
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await child.stop()
    assert child.pid
    assert gone(child.pid)
