"""One policy for search, description and call, on real servers and both ways of searching."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mcp_registry.cli import call, search
from mcp_registry.gateway.meta_tools import MetaTools
from mcp_registry.home import Home, find_home
from mcp_registry.policy import Decision
from mcp_registry.registry import Registry, open_registry
from mcp_registry.server import ServerSpec
from mcp_registry.settings import load_settings

pytestmark = pytest.mark.usefixtures("no_process_left")

Script = Callable[..., ServerSpec]
READERS = {"look", "convert", "broken", "empty", "odd", "slow", "file", "account"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("QUARTERMASTER_HOME", str(tmp_path))
    monkeypatch.delenv("QUARTERMASTER_DATABASE_URL", raising=False)
    return find_home()


@pytest.fixture
async def synced(home: Home, script: Script, tmp_path: Path) -> Home:
    async with open_registry(home, load_settings(home)) as registry:
        registry.catalogue.add_server(script("hints", str(tmp_path / "calls"), name="hints"), origin="added")
        await registry.sync()
    return home


def policy(home: Home, text: str) -> None:
    home.settings_file.write_text(f"[policy]\n{text}\n")


async def names(registry: Registry) -> set[str]:
    return {tool.name for _, tool in await registry.search("ledger", 20)}


async def test_what_is_denied_by_annotation_is_hidden_and_cannot_be_called(synced: Home, tmp_path: Path) -> None:
    policy(synced, 'deny = ["@write"]')
    async with open_registry(synced, load_settings(synced)) as registry:
        assert await names(registry) == READERS
        assert not await registry.tools(["hints/wipe", "hints/quiet"])
        result = await registry.call("hints/quiet", {}, approved=True)
        assert result.is_error
        assert "not in the catalogue" in result.text
        assert (await registry.call("hints/look", {})).text == "look {}"
    found = CliRunner().invoke(search.app, ["ledger", "-k", "20", "--json"], catch_exceptions=False)
    assert {entry["name"] for entry in json.loads(found.stdout)} == READERS
    assert (tmp_path / "calls").read_text().splitlines() == ["look"]


async def test_the_operators_word_on_a_server_counts_for_annotations(synced: Home, script: Script) -> None:
    policy(synced, 'deny = ["@destructive"]')
    async with open_registry(synced, load_settings(synced)) as registry:
        assert "wipe" not in await names(registry)
        spec = registry.catalogue.server("hints").spec
        marked = ServerSpec(name="hints", transport=spec.transport, limits=spec.limits, read_only=True)
        registry.catalogue.add_server(marked, origin="added", replace=True)
        await registry.reconcile()
        assert "wipe" in await names(registry)
        wipe = (await registry.tools(["hints/wipe"]))["hints/wipe"]
        assert registry.decide(wipe) is Decision.ALLOW
        assert registry.only_reads(wipe)


async def test_what_a_person_must_approve_is_not_called_unasked(synced: Home, tmp_path: Path) -> None:
    policy(synced, 'ask = ["@destructive"]')
    async with open_registry(synced, load_settings(synced)) as registry:
        gateway = MetaTools(registry)
        wipe = (await registry.tools(["hints/wipe"]))["hints/wipe"]
        assert registry.decide(wipe) is Decision.ASK
        assert "wipe" in await names(registry)
        for refused in (
            await registry.call("hints/wipe", {}),
            await gateway.call("call_tool", {"tool_id": "hints/wipe", "arguments": {}}),
            await gateway.call("hints/wipe", {}),
        ):
            assert refused.is_error
            assert not refused.unknown
            assert "quartermaster call hints/wipe ARGUMENTS --yes" in refused.text
        assert (await registry.call("hints/wipe", {}, approved=True)).text == "wipe {}"
        described = await gateway.call("describe_tools", {"ids": ["hints/wipe", "hints/look"]})
        wipe, look = described.raw["structuredContent"]["tools"]
        assert wipe["needs_approval"] is True
        assert "needs_approval" not in look
    assert (tmp_path / "calls").read_text().splitlines() == ["wipe"]


async def test_a_tool_that_needs_approval_is_never_probed(synced: Home, tmp_path: Path) -> None:
    policy(synced, 'ask = ["hints/look"]')
    async with open_registry(synced, load_settings(synced)) as registry:
        found = [each for each in await registry.search("ledger", 20) if each[1].name == "look"]
        [candidate] = await registry.validated(found)
        assert candidate.verdict.outcome == "not checked"
        assert "policy" in candidate.verdict.reason
    assert (tmp_path / "calls").read_text() == ""


def test_the_command_line_approves_with_yes(home: Home, script: Script, tmp_path: Path) -> None:
    import asyncio

    async def prepare() -> None:
        async with open_registry(home, load_settings(home)) as registry:
            registry.catalogue.add_server(script("hints", str(tmp_path / "calls"), name="hints"), origin="added")
            await registry.sync()

    asyncio.run(prepare())
    policy(home, 'ask = ["@write"]')
    refused = CliRunner().invoke(call.app, ["hints/quiet"], catch_exceptions=False)
    assert refused.exit_code == 1
    assert "policy.ask" in refused.output
    done = CliRunner().invoke(call.app, ["hints/quiet", "--yes"], catch_exceptions=False)
    assert done.exit_code == 0
    assert done.stdout.strip() == "quiet {}"


async def test_a_profile_decides_as_it_searches(synced: Home) -> None:
    synced.settings_file.write_text('[profiles.reader]\nread_only = true\n[policy]\nask = ["hints/file"]\n')
    async with open_registry(synced, load_settings(synced)) as plain:
        tools = await plain.tools([f"hints/{name}" for name in ("wipe", "look", "file")])
    async with open_registry(synced, load_settings(synced), profile="reader") as registry:
        decided = {tool.name: registry.decide(tool).value for tool in tools.values()}
    assert decided == {"wipe": "deny", "look": "allow", "file": "ask"}
