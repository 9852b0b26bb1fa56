import asyncio
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_registry.errors import DeadlineExceeded, Unreachable
from mcp_registry.server import ServerSpec
from mcp_registry.sessions import open_sessions

pytestmark = pytest.mark.usefixtures("no_process_left")

Script = Callable[..., ServerSpec]


def methods(record: Path) -> list[str]:
    return [json.loads(line).get("method", "") for line in record.read_text().splitlines()]


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "sent"


async def test_a_server_that_nobody_uses_is_closed_and_opened_again_when_needed(
    script: Script, record: Path, until
) -> None:
    spec = script("recorder", str(record), idle_s=0.2)
    async with open_sessions() as sessions:
        first = (await sessions.call_tool(spec, "hello", {})).text
        await until(lambda: not Path(f"/proc/{first}").exists())
        second = (await sessions.call_tool(spec, "hello", {})).text
    assert first != second


async def test_a_server_in_use_is_not_idle(script: Script, record: Path) -> None:
    spec = script("recorder", str(record), idle_s=0.1)
    async with open_sessions() as sessions:
        with pytest.raises(DeadlineExceeded):  # a call that takes longer than the idle time, on one connection
            await sessions.call_tool(spec, "hang", {}, timeout_s=0.5)
    assert methods(record).count("initialize") == 1
    assert "notifications/cancelled" in methods(record)


async def test_a_closed_server_opens_again_on_its_next_use(script: Script, record: Path) -> None:
    spec = script("recorder", str(record))
    async with open_sessions() as sessions:
        first = (await sessions.call_tool(spec, "hello", {})).text
        await sessions.close("recorder")
        await sessions.close("never heard of")
        assert not Path(f"/proc/{first}").exists()
        assert (await sessions.call_tool(spec, "hello", {})).text != first


async def test_a_server_that_hangs_is_ended_and_started_afresh(script: Script, children, until) -> None:
    before = children()
    spec = script("silent", "calls", call_s=0.3)
    async with open_sessions() as sessions:
        with pytest.raises(DeadlineExceeded):
            await sessions.call_tool(spec, "wait", {})
        hanging = children() - before
        await until(lambda: not hanging & children())
        entries, _ = await sessions.list_tools(spec)
        assert len(entries) == 1


async def test_a_watched_server_stays_open_and_its_changes_are_heard(script: Script, tmp_path: Path, until) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text("[]")
    heard: list[str] = []
    spec = script("shifting", str(tools), idle_s=0.1)
    async with open_sessions(on_tools_changed=heard.append) as sessions:
        await sessions.watch(spec)
        await asyncio.sleep(0.5)
        await sessions.call_tool(spec, "reload", {})
        await until(lambda: heard)
        assert heard == ["shifting"]


async def test_a_watched_server_that_dies_is_opened_again_and_looked_at(script: Script, record: Path, until) -> None:
    heard: list[str] = []
    spec = script("recorder", str(record))
    async with open_sessions(on_tools_changed=heard.append) as sessions:
        await sessions.watch(spec)
        first = int((await sessions.call_tool(spec, "hello", {})).text)
        os.kill(first, signal.SIGKILL)
        await until(lambda: heard)
        assert int((await sessions.call_tool(spec, "hello", {})).text) != first


async def test_a_watched_server_that_cannot_be_opened_is_tried_again(script: Script, record: Path, until) -> None:
    heard: list[str] = []
    good = script("recorder", str(record))
    link = record.with_name("server.py")
    spec = replace(good, transport=replace(good.transport, args=(str(link), str(record))))
    async with open_sessions(on_tools_changed=heard.append) as sessions:
        await sessions.watch(spec)
        with pytest.raises(Unreachable, match="can't open file"):
            await sessions.list_tools(spec)
        link.write_text(Path(good.transport.args[0]).read_text())
        link.with_name("rpc.py").symlink_to(Path(good.transport.args[0]).with_name("rpc.py"))
        await until(lambda: heard)


async def test_a_callback_that_raises_harms_nobody(script: Script, tmp_path: Path, caplog) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text("[]")

    def hear(name: str) -> None:
        raise LookupError(name)

    async with open_sessions(on_tools_changed=hear) as sessions:
        spec = script("shifting", str(tools))
        for _ in range(3):
            assert (await sessions.call_tool(spec, "reload", {})).text == "reload"
    assert "LookupError" in caplog.text


async def test_leaving_ends_the_calls_that_still_run(script: Script, record: Path, until) -> None:
    spec = script("recorder", str(record))
    async with open_sessions() as sessions:
        await sessions.call_tool(spec, "hello", {})
        hanging = asyncio.create_task(sessions.call_tool(spec, "hang", {}, timeout_s=60))
        await until(lambda: methods(record).count("tools/call") == 2)
    with pytest.raises(Unreachable, match="it was closed"):
        await hanging
    with pytest.raises(Unreachable, match="everything is being closed"):
        await sessions.call_tool(spec, "hello", {})


async def test_leaving_while_a_server_is_still_opening_does_not_wait_for_it(script: Script, children, until) -> None:
    loop, before = asyncio.get_running_loop(), children()
    async with open_sessions() as sessions:
        opening = asyncio.create_task(sessions.list_tools(script("silent")))
        await until(lambda: children() - before)
        started = loop.time()
    assert loop.time() - started < 5
    with pytest.raises(Unreachable, match="was closed"):
        await opening


async def test_a_cancelled_owner_closes_everything_before_it_ends(script: Script) -> None:
    opened = asyncio.Event()

    async def own() -> None:
        async with open_sessions() as sessions:
            await sessions.call_tool(script("recorder", "/dev/null"), "hello", {})
            opened.set()
            await asyncio.sleep(3600)

    owner = asyncio.create_task(own())
    await asyncio.wait_for(opened.wait(), 10)
    owner.cancel()
    with pytest.raises(asyncio.CancelledError):
        await owner


async def test_an_error_inside_the_block_comes_out_as_it_is(script: Script) -> None:
    async def fail_inside() -> None:
        async with open_sessions() as sessions:
            await sessions.call_tool(script("recorder", "/dev/null"), "hello", {})
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await fail_inside()
