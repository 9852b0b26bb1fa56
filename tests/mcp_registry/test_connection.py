import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_registry.connection import open_connection
from mcp_registry.errors import DeadlineExceeded, MissingSecret, ProtocolFailure, Unreachable
from mcp_registry.server import ServerSpec, Stdio

pytestmark = pytest.mark.usefixtures("no_process_left")

Script = Callable[..., ServerSpec]


async def test_a_newer_server_is_met_in_the_newer_era(script: Script) -> None:
    async with open_connection(script("echo")) as connection:
        assert connection.era == "modern"
        assert connection.info.name == "echo"
        assert connection.info.version == "1.0"
        assert connection.info.protocol_version == "2026-07-28"
        assert connection.info.instructions == "Say something."
        assert {tool["name"] for tool in await connection.list_tools()} > {"echo", "add", "fail"}
        assert (await connection.call_tool("add", {"a": 2, "b": 3}, timeout_s=10)).raw["structuredContent"] == {
            "result": 5
        }


async def test_the_same_server_speaks_the_older_era_when_that_is_remembered(script: Script) -> None:
    async with open_connection(script("echo"), era="legacy") as connection:
        assert connection.era == "legacy"
        assert connection.info.protocol_version == "2025-11-25"
        assert (await connection.call_tool("echo", {"text": "hi"}, timeout_s=10)).text == "hi"


async def test_an_old_server_that_ignores_the_question_for_its_era_opens_soon(script: Script) -> None:
    started = asyncio.get_running_loop().time()
    async with open_connection(script("legacy")) as connection:
        assert connection.info.protocol_version == "2024-11-05"
        assert connection.era == "legacy"
    assert asyncio.get_running_loop().time() - started < 5


async def test_an_old_server_that_dies_of_the_question_is_started_again(script: Script) -> None:
    async with open_connection(script("dies", "probed")) as connection:
        assert [tool["name"] for tool in await connection.list_tools()] == ["hello"]


async def test_a_newer_server_that_starts_slowly_is_still_met_in_the_newer_era(script: Script) -> None:
    async with open_connection(script("echo", "--delay", "2.5")) as connection:
        assert connection.era == "modern"
        assert (await connection.call_tool("echo", {"text": "awake"}, timeout_s=10)).text == "awake"


async def test_a_listing_is_published_word_for_word(script: Script) -> None:
    async with open_connection(script("invalid_tools")) as connection:
        entries = await connection.list_tools()
    assert len(entries) == 12
    assert entries[1]["_meta"] == {"example.com/rank": 3}
    assert entries[1]["x-vendor"] == {"deep": [1, 2]}
    assert entries[2]["inputSchema"]["properties"] == {"anything": True}
    assert entries[-1] == "not even an object"


async def test_every_page_of_a_listing_is_read(script: Script) -> None:
    async with open_connection(script("paged")) as connection:
        assert [tool["name"] for tool in await connection.list_tools()] == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("mode", "how"), [("repeating", "comes again"), ("endless", "1,000 pages"), ("broken", "no list of tools")]
)
async def test_a_broken_listing_fails_as_a_whole_and_says_how(script: Script, mode: str, how: str) -> None:
    async with open_connection(script("paged", mode)) as connection:
        with pytest.raises(ProtocolFailure, match=how):
            await connection.list_tools()


async def test_an_error_result_is_a_result(script: Script) -> None:
    async with open_connection(script("echo")) as connection:
        result = await connection.call_tool("fail", {}, timeout_s=10)
        assert result.is_error
        assert "fail" in result.text


async def test_chatter_on_stdout_is_no_harm(script: Script) -> None:
    async with open_connection(script("flood", "prints")) as connection:
        assert len(await connection.list_tools()) == 2
        assert (await connection.call_tool("hello", {}, timeout_s=10)).text == "hello"


async def test_a_large_answer_arrives_whole_and_soon(script: Script) -> None:
    started = asyncio.get_running_loop().time()
    async with open_connection(script("echo")) as connection:
        result = await connection.call_tool("big", {"size": 8_000_000}, timeout_s=20)
    assert len(result.text) == 8_000_000
    assert asyncio.get_running_loop().time() - started < 15


async def test_an_answer_beyond_the_limit_ends_the_connection_with_that_reason(script: Script) -> None:
    async with open_connection(script("echo", max_message_bytes=100_000)) as connection:
        with pytest.raises(Unreachable, match="more than 100,000 bytes"):
            await connection.call_tool("big", {"size": 200_000}, timeout_s=20)
        assert connection.closed
        assert "more than 100,000 bytes" in connection.reason


@pytest.mark.parametrize(
    ("mode", "reason"), [("endless-line", "a message of more than"), ("garbage", "that are not MCP messages")]
)
async def test_a_server_that_floods_from_the_start_is_given_up(script: Script, mode: str, reason: str) -> None:
    with pytest.raises(Unreachable, match=reason):
        async with open_connection(script("flood", mode, max_message_bytes=500_000)):
            pass


async def test_the_requests_of_a_server_are_answered(script: Script) -> None:
    async with open_connection(script("legacy")) as connection:
        ping, roots, unknown = json.loads((await connection.call_tool("ask", {}, timeout_s=10)).text)
    assert ping == {"id": "ask-ping", "result": {}, "code": None}
    assert roots["code"] is not None
    assert unknown["code"] == -32601


async def test_progress_is_reported_in_order_and_before_the_result(script: Script) -> None:
    reports: list[tuple[float, float | None, str | None]] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        reports.append((progress, total, message))

    async with open_connection(script("echo")) as connection:
        await connection.call_tool("progress", {"steps": 3}, timeout_s=10, on_progress=report)
    assert reports == [(1, 3, "step 1"), (2, 3, "step 2"), (3, 3, "step 3")]


async def test_a_callback_that_raises_costs_no_call(script: Script) -> None:
    async def report(progress: float, total: float | None, message: str | None) -> None:
        raise LookupError("mine")

    async with open_connection(script("echo")) as connection:
        result = await connection.call_tool("progress", {"steps": 2}, timeout_s=10, on_progress=report)
        assert result.text == "done"


async def test_meta_reaches_the_server_beside_what_the_era_adds(script: Script, tmp_path: Path) -> None:
    async with open_connection(script("recorder", str(tmp_path / "sent"))) as connection:
        await connection.call_tool("hello", {"n": 1}, timeout_s=10, meta={"example.com/trace": "abc"})
    call = sent(tmp_path / "sent", "tools/call")[0]
    assert call["params"] == {"name": "hello", "arguments": {"n": 1}, "_meta": {"example.com/trace": "abc"}}


def sent(record: Path, method: str) -> list[dict]:
    messages = [json.loads(line) for line in record.read_text().splitlines()]
    return [message for message in messages if message.get("method") == method]


async def test_a_timed_out_call_is_cancelled_and_its_late_answer_dropped(script: Script, tmp_path: Path) -> None:
    async with open_connection(script("recorder", str(tmp_path / "sent"))) as connection:
        with pytest.raises(DeadlineExceeded, match=r"'recorder' did not answer tools/call 'hang' within 0\.2 s"):
            await connection.call_tool("hang", {}, timeout_s=0.2)
        assert (await connection.call_tool("hello", {}, timeout_s=10)).text.isdigit()
    (call,) = (call for call in sent(tmp_path / "sent", "tools/call") if call["params"]["name"] == "hang")
    (cancelled,) = sent(tmp_path / "sent", "notifications/cancelled")
    assert cancelled["params"]["requestId"] == call["id"]


async def test_a_cancelled_caller_cancels_its_call_and_no_other(script: Script, tmp_path: Path, until) -> None:
    record = tmp_path / "sent"
    async with open_connection(script("recorder", str(record))) as connection:
        calling = asyncio.create_task(connection.call_tool("hang", {}, timeout_s=60))
        await until(lambda: sent(record, "tools/call"))
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await until(lambda: sent(record, "notifications/cancelled"))
        assert (await connection.call_tool("hello", {}, timeout_s=10)).text.isdigit()


async def test_the_handshake_is_never_cancelled(script: Script, tmp_path: Path) -> None:
    async with open_connection(script("recorder", str(tmp_path / "sent"))):
        pass
    assert sent(tmp_path / "sent", "initialize")
    assert not sent(tmp_path / "sent", "notifications/cancelled")


async def test_a_server_that_does_not_read_keeps_nobody_beyond_the_deadline(script: Script) -> None:
    loop = asyncio.get_running_loop()
    async with open_connection(script("silent", "reads-no-more")) as connection:
        started = loop.time()
        calls = [connection.call_tool("wait", {"text": "x" * 1_000_000}, timeout_s=0.5) for _ in range(5)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [DeadlineExceeded] * 5
        assert loop.time() - started < 2


@pytest.mark.parametrize("modern", [False, True])
async def test_a_change_of_the_tools_is_heard(script: Script, tmp_path: Path, until, modern: bool) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text('[{"name": "one", "inputSchema": {"type": "object"}}]')
    heard: list[str] = []
    spec = script("shifting", str(tools), *(["--modern"] if modern else []))
    async with open_connection(spec, on_tools_changed=lambda: heard.append("look")) as connection:
        assert connection.era == ("modern" if modern else "legacy")
        assert [tool["name"] for tool in await connection.list_tools()] == ["one"]
        tools.write_text('[{"name": "two", "inputSchema": {"type": "object"}}]')
        await connection.call_tool("reload", {}, timeout_s=10)
        await until(lambda: heard)
        assert [tool["name"] for tool in await connection.list_tools()] == ["two"]


async def test_a_missing_command_is_named_and_how_to_get_it(script: Script) -> None:
    spec = ServerSpec(name="notes", transport=Stdio(command="uvx-is-not-here"))
    with pytest.raises(Unreachable, match=r"'notes' did not start: the command 'uvx-is-not-here' is not on the PATH"):
        async with open_connection(spec):
            pass


async def test_a_missing_working_directory_is_named(tmp_path: Path) -> None:
    spec = ServerSpec(name="notes", transport=Stdio(command=sys.executable, cwd=str(tmp_path / "nowhere")))
    with pytest.raises(Unreachable, match=r"working directory .*nowhere does not exist"):
        async with open_connection(spec):
            pass


async def test_a_file_that_is_no_program_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "server").write_text("echo")
    spec = ServerSpec(name="notes", transport=Stdio(command=str(tmp_path / "server")))
    with pytest.raises(Unreachable, match="may not be executed"):
        async with open_connection(spec):
            pass


async def test_a_server_that_dies_at_its_start_leaves_its_last_words(script: Script) -> None:
    with pytest.raises(Unreachable, match=r"exited with code 3; it printed: fatal: the database is on fire"):
        async with open_connection(script("dies", "at-start")):
            pass


async def test_a_silent_server_is_given_up_at_its_deadline(script: Script) -> None:
    started = asyncio.get_running_loop().time()
    with pytest.raises(DeadlineExceeded, match=r"'silent' did not answer within 1 s of its start"):
        async with open_connection(script("silent", open_s=1.0)):
            pass
    assert asyncio.get_running_loop().time() - started < 4


async def test_a_server_that_dies_in_a_call_leaves_its_outcome_unknown(script: Script) -> None:
    async with open_connection(script("dies", "after", "0")) as connection:
        with pytest.raises(Unreachable, match=r"'count', so its outcome is unknown: it was ended by SIGKILL"):
            await connection.call_tool("count", {}, timeout_s=10)
        assert await connection.wait_closed() == "it was ended by SIGKILL"


async def test_an_error_of_the_caller_leaves_the_block_as_it_is(script: Script) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with open_connection(script("recorder", "/dev/null")):
            raise LookupError("mine")


async def test_a_cancelled_opening_leaves_nothing_behind(script: Script, children, until) -> None:
    before = children()

    async def open_and_wait() -> None:
        async with open_connection(script("silent")):
            pass

    opening = asyncio.create_task(open_and_wait())
    await until(lambda: children() - before)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening


async def test_an_unset_reference_is_named_before_anything_starts(script: Script) -> None:
    with pytest.raises(MissingSecret, match=r"\$\{TOKEN\}"):
        async with open_connection(script("echo", env={"TOKEN": "${TOKEN}"}), environment={}):
            pass


async def test_a_secret_that_a_server_prints_is_not_repeated() -> None:
    code = "import os, sys; sys.exit('cannot log in with ' + os.environ['API_KEY'])"
    stdio = Stdio(command=sys.executable, args=("-c", code), env={"API_KEY": "${MY_KEY}"})
    with pytest.raises(Unreachable) as caught:
        async with open_connection(ServerSpec(name="vault", transport=stdio), environment={"MY_KEY": "sk-12345678"}):
            pass
    assert "cannot log in with ${MY_KEY}" in str(caught.value)
    assert "sk-12345678" not in str(caught.value)
