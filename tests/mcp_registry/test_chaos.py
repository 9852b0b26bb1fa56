"""Servers are killed, hang and flood in the middle of many calls: the others go on, and every caller gets an answer."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_registry.errors import DeadlineExceeded, RegistryError, Unreachable
from mcp_registry.result import ToolResult
from mcp_registry.server import ServerSpec
from mcp_registry.sessions import open_sessions

pytestmark = pytest.mark.usefixtures("no_process_left")

Script = Callable[..., ServerSpec]

DEADLINE_S = 6.0


async def timed(call) -> tuple[object, float]:
    """What a call came to, and after how many seconds."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        outcome: object = await call
    except RegistryError as error:
        outcome = error
    return outcome, loop.time() - started


@pytest.mark.slow
async def test_one_killed_one_hanging_and_one_flooding_leave_200_calls_with_an_answer_each(script: Script) -> None:
    good, killed, hanging = (script("echo", name=name, call_s=DEADLINE_S) for name in ("good", "killed", "hanging"))
    flooding = script("flood", "garbage", "at-call", name="flooding", call_s=DEADLINE_S)
    async with open_sessions() as sessions:
        await sessions.list_tools(flooding)
        named = (good, killed, hanging)
        told = await asyncio.gather(*(sessions.call_tool(spec, "pid", {}, timeout_s=30) for spec in named))
        pids = {spec.name: int(result.text) for spec, result in zip(named, told, strict=True)}
        calls = {
            spec.name: [
                asyncio.create_task(timed(sessions.call_tool(spec, "sleep", {"seconds": 0.02 * n}))) for n in range(49)
            ]
            for spec in named
        }
        for spec in named:  # the last call of the one that is killed is still on its way then, however slow the machine
            seconds = 0.98 if spec is not killed else 0.9 * DEADLINE_S
            calls[spec.name].append(asyncio.create_task(timed(sessions.call_tool(spec, "sleep", {"seconds": seconds}))))
        calls["flooding"] = [asyncio.create_task(timed(sessions.call_tool(flooding, "hello", {}))) for _ in range(49)]
        calls["flooding"].append(asyncio.create_task(timed(sessions.call_tool(flooding, "flood", {}))))
        await calls["killed"][5]  # now they are in the middle of it
        os.kill(pids["killed"], signal.SIGKILL)
        os.kill(pids["hanging"], signal.SIGSTOP)
        outcomes = {name: await asyncio.gather(*tasks) for name, tasks in calls.items()}

        assert sum(len(each) for each in outcomes.values()) == 200
        assert max(seconds for each in outcomes.values() for _, seconds in each) < DEADLINE_S + 1
        assert all(isinstance(outcome, ToolResult) for outcome, _ in outcomes["good"])
        assert max(seconds for _, seconds in outcomes["good"]) < DEADLINE_S
        of_killed = [outcome for outcome, _ in outcomes["killed"]]
        assert any(isinstance(outcome, ToolResult) for outcome in of_killed)
        assert any("outcome is unknown" in str(outcome) for outcome in of_killed)
        assert any(isinstance(outcome, DeadlineExceeded) for outcome, _ in outcomes["hanging"])
        last, _ = outcomes["flooding"][-1]
        assert isinstance(last, Unreachable)
        assert "not MCP messages" in str(last)

        # The killed one and the flooding one are there again for whoever needs them next.
        assert (await sessions.call_tool(killed, "echo", {"text": "back"}, timeout_s=30)).text == "back"
        assert (await sessions.call_tool(flooding, "hello", {}, timeout_s=30)).text == "hello"
    for pid in pids.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_server_that_dies_again_and_again_never_costs_another_one_its_calls(script: Script) -> None:
    good = script("recorder", "/dev/null", name="good")
    bad = script("dies", "after", "2", name="bad")
    async with open_sessions() as sessions:
        calls = []
        for _ in range(30):
            calls += [timed(sessions.call_tool(spec, "hello", {}, timeout_s=10)) for spec in (good, bad)]
        outcomes = await asyncio.gather(*calls)
        assert all(isinstance(outcome, ToolResult) for outcome, _ in outcomes[::2])
        assert all(isinstance(outcome, ToolResult | Unreachable) for outcome, _ in outcomes[1::2])
        assert max(seconds for _, seconds in outcomes) < 11


async def test_a_flood_of_notifications_leaves_the_others_their_turn(script: Script) -> None:
    good = script("recorder", "/dev/null", name="good")
    noisy = script("flood", "notices", "at-call", name="noisy")
    async with open_sessions() as sessions:
        await sessions.call_tool(good, "hello", {})
        flood = asyncio.create_task(timed(sessions.call_tool(noisy, "flood", {}, timeout_s=2)))
        times = []
        while not flood.done():
            _, seconds = await timed(sessions.call_tool(good, "hello", {}, timeout_s=5))
            times.append(seconds)
        assert isinstance((await flood)[0], DeadlineExceeded)
        assert len(times) > 20
        assert max(times) < 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_program_that_is_interrupted_leaves_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    pids = tmp_path / "pids"
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    server = str(Path(__file__).parents[1] / "servers" / "grandchild.py")
    with subprocess.Popen(
        [sys.executable, str(program), server, str(pids)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"open\n"
        running.send_signal(number)
        _, errors = running.communicate(timeout=20)
    assert b"KeyboardInterrupt" in errors or b"CancelledError" in errors
    for pid in pids.read_text().split():
        assert not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()


PROGRAM = """
import asyncio, signal, sys
from mcp_registry.server import ServerSpec, Stdio
from mcp_registry.sessions import open_sessions

async def main():
    task = asyncio.current_task()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    spec = ServerSpec(name="x", transport=Stdio(command=sys.executable, args=tuple(sys.argv[1:])))
    async with open_sessions() as sessions:
        await sessions.list_tools(spec)
        print("open", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""
