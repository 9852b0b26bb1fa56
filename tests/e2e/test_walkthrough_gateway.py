"""Walk-through (b): an MCP client searches, then calls. Over HTTP and stdio, in both protocol eras."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from mcp import Client, StdioServerParameters

SERVERS = Path(__file__).parents[1] / "servers"
ERAS = ("legacy", "2026-07-28")
META_TOOLS = ["search_tools", "describe_tools", "call_tool"]
RICH = ["picture", "recording", "document", "link", "table", "refuse", "many", "nothing"]
_WAIT_S = 30.0
_OWN_NAME = "io.modelcontextprotocol/serverInfo"


@pytest.fixture(scope="module")
def quartermaster(new_quartermaster: Callable[[], Any], echo_over_http: str) -> Any:
    """A catalogue of four synced servers: over stdio in both eras, and over HTTP."""
    command_line = new_quartermaster()
    configuration = command_line.folder / "mcp.json"
    servers = {
        "rich": {"command": sys.executable, "args": [str(SERVERS / "rich.py")]},
        "old": {"command": sys.executable, "args": [str(SERVERS / "legacy.py")]},
        "vendor": {"command": sys.executable, "args": [str(SERVERS / "vendor.py")]},
        "web": {"url": echo_over_http},
    }
    configuration.write_text(json.dumps({"mcpServers": servers}))
    command_line.run("servers", "import", str(configuration))
    command_line.run("servers", "sync")
    return command_line


@pytest.fixture(scope="module")
def url(quartermaster: Any) -> Generator[str]:
    with quartermaster.serve() as address:
        yield address


@asynccontextmanager
async def open_client(target: Any, era: str) -> AsyncGenerator[Client]:
    try:
        async with asyncio.timeout(_WAIT_S * 2), Client(target, mode=era, read_timeout_seconds=_WAIT_S) as client:
            yield client
    except BaseExceptionGroup as group:
        raise _first(group) from None


def _first(error: BaseException) -> BaseException:
    """What went wrong, out of the groups that the client's scopes wrap it in."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def call(client: Client, tool_id: str, arguments: Any = None, meta: Any = None) -> dict[str, Any]:
    given = {"tool_id": tool_id, "arguments": arguments or {}}
    return as_json(await client.call_tool("call_tool", given, meta=meta))


def as_json(result: Any) -> dict[str, Any]:
    """A result as it came, but for the name that each hop signs it with."""
    answer = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    meta = {key: value for key, value in answer.pop("_meta", {}).items() if key != _OWN_NAME}
    return answer | ({"_meta": meta} if meta else {})


def text_of(answer: dict[str, Any]) -> str:
    return "\n".join(part["text"] for part in answer["content"])


async def the_tools_are_always_the_same_three(client: Client, era: str) -> None:
    listed = [tool.model_dump(mode="json") for tool in (await client.list_tools()).tools]
    assert [tool["name"] for tool in listed] == META_TOOLS
    await client.call_tool("search_tools", {"query": "anything"})
    again = await client.list_tools(cache_mode="bypass")
    assert [tool.model_dump(mode="json") for tool in again.tools] == listed


async def a_search_gives_what_a_call_needs(client: Client, era: str) -> None:
    result = await client.call_tool("search_tools", {"query": "add two whole numbers"})
    first = result.structured_content["tools"][0]
    assert first["tool_id"] == "web/add"
    assert first["input_schema"]["required"] == ["a", "b"]
    assert first["example"] == {"tool_id": "web/add", "arguments": {"a": 1, "b": 1}}
    assert json.loads(result.content[0].text) == result.structured_content
    answer = as_json(await client.call_tool("call_tool", first["example"]))
    assert answer["structuredContent"] == {"result": 2}


async def results_equal_those_of_a_direct_client(client: Client, era: str) -> None:
    server = StdioServerParameters(command=sys.executable, args=[str(SERVERS / "rich.py")])
    async with open_client(server, era) as direct:
        for name in RICH:
            expected = as_json(await direct.call_tool(name, {}))
            assert json.dumps(await call(client, f"rich/{name}")) == json.dumps(expected), name


async def a_failing_tool_is_an_answer_and_stays_one(client: Client, era: str) -> None:
    answer = await call(client, "web/fail")
    assert answer["isError"] is True
    assert text_of(answer) == "Error executing tool fail"
    assert (await call(client, "rich/refuse"))["structuredContent"] == {"code": 7}


async def a_protocol_error_of_a_server_is_told(client: Client, era: str) -> None:
    answer = await call(client, "rich/broken")
    assert answer["isError"] is True
    assert "the teapot is broken" in text_of(answer)
    assert "-32050" in text_of(answer)


async def servers_of_the_older_era_answer_too(client: Client, era: str) -> None:
    assert text_of(await call(client, "old/hello", {"to": "you"})) == 'hello {"to": "you"}'


async def an_unknown_id_is_answered_with_the_nearest(client: Client, era: str) -> None:
    answer = await call(client, "web/ecko", {"text": "hi"})
    assert answer["isError"] is True
    assert "'web/ecko' is not in the catalogue" in text_of(answer)
    assert "'web/echo'" in text_of(answer)


async def wrong_arguments_are_answered_with_field_value_and_what_is_valid(client: Client, era: str) -> None:
    answer = await call(client, "web/add", {"a": "seven", "b": 2})
    assert answer["isError"] is True
    for said in ("'web/add'", "a", '"seven"', "integer", "a*: integer, b*: integer"):
        assert said in text_of(answer)
    answer = as_json(await client.call_tool("search_tools", {"query": "x", "detail": "everything"}))
    assert answer["isError"] is True
    for said in ("detail", '"everything"', "names", "summary", "full"):
        assert said in text_of(answer)


async def arguments_that_can_be_read_in_one_way_only_are_mended(client: Client, era: str) -> None:
    assert (await call(client, "web/add", {"a": "7", "b": 2}))["structuredContent"] == {"result": 9}


async def what_a_caller_says_in_meta_reaches_the_tool(client: Client, era: str) -> None:
    answer = await call(client, "rich/mirror", meta={"example.com/trace": "t1"})
    assert json.loads(text_of(answer)) == {"example.com/trace": "t1"}


PROMISES = [
    the_tools_are_always_the_same_three,
    a_search_gives_what_a_call_needs,
    results_equal_those_of_a_direct_client,
    a_failing_tool_is_an_answer_and_stays_one,
    a_protocol_error_of_a_server_is_told,
    servers_of_the_older_era_answer_too,
    an_unknown_id_is_answered_with_the_nearest,
    wrong_arguments_are_answered_with_field_value_and_what_is_valid,
    arguments_that_can_be_read_in_one_way_only_are_mended,
    what_a_caller_says_in_meta_reaches_the_tool,
]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_over_http(promise: Callable[[Client, str], Any], url: str, era: str) -> None:
    async with open_client(url, era) as client:
        await promise(client, era)


@pytest.mark.parametrize("era", ERAS)
async def test_over_stdio_all_of_it_holds_as_well(quartermaster: Any, era: str) -> None:
    async with open_client(quartermaster.gateway, era) as client:
        for promise in PROMISES:
            # Each gateway process asks an older server for its era first, which takes two seconds: once is enough.
            if promise is not servers_of_the_older_era_answer_too or era == "legacy":
                await promise(client, era)


@pytest.mark.parametrize("version", ["2025-06-18", "2026-07-28"])
def test_what_no_sdk_knows_reaches_the_client_too(url: str, version: str) -> None:
    fields = post_call(url, "vendor/fields", version)
    assert fields["content"] == [{"type": "text", "text": "x", "x-rank": 1}]
    assert fields["x-vendor"] == {"deep": [1, None]}
    assert post_call(url, "vendor/hologram", version)["content"] == [{"type": "hologram", "rays": [1, 2]}]
    bare = post_call(url, "vendor/bare", version)
    if version == "2026-07-28":
        assert bare["structuredContent"] == [1, 2]
    else:  # must be an object there, so clients of that time would refuse it
        assert bare == {"content": [{"type": "text", "text": "[1,2]"}]}


def post_call(url: str, tool_id: str, version: str) -> dict[str, Any]:
    """A call as it goes over the wire: a client of the SDK would drop what it does not know."""
    prefix = "io.modelcontextprotocol/"
    meta = {"protocolVersion": version, "clientInfo": {"name": "raw", "version": "1"}, "clientCapabilities": {}}
    params = {"name": "call_tool", "arguments": {"tool_id": tool_id}}
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    headers["MCP-Protocol-Version"] = version
    if version == "2026-07-28":
        params["_meta"] = {prefix + key: value for key, value in meta.items()}
        headers |= {"Mcp-Method": "tools/call", "Mcp-Name": "call_tool"}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    with urlopen(Request(url, data=body, headers=headers), timeout=_WAIT_S) as answer:
        return json.load(answer)["result"]


async def test_many_clients_of_both_eras_are_served_at_once(url: str) -> None:
    async def caller(number: int) -> str:
        async with open_client(url, ERAS[number % 2]) as client:
            return text_of(await call(client, "web/echo", {"text": f"number {number}"}))

    answers = await asyncio.gather(*(caller(number) for number in range(10)))
    assert answers == [f"number {number}" for number in range(10)]


def test_the_command_line_calls_through_the_same_path(quartermaster: Any) -> None:
    said = quartermaster.json("call", "web/add", '{"a": [], "b": 2}', fails=True)
    assert said["isError"] is True
    assert "integer" in said["content"][0]["text"]
