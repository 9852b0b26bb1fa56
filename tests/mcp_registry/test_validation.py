"""The validation step: who is probed, what passes, what is put last, and what is never called."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_registry.home import Home
from mcp_registry.registry import Registry, open_registry
from mcp_registry.result import ToolResult
from mcp_registry.settings import PolicySettings, Settings, ValidationSettings
from mcp_registry.synthetic_query import NoQuery
from mcp_registry.validation import Candidate, Outcome, Verdict, demote, judge, why_not_probed
from retrieval.hit import Hit
from retrieval.tool import ToolSpec

READS = {"readOnlyHint": True}
FAST = ValidationSettings(candidates=20, timeout_s=30.0)


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls"


def called(calls: Path) -> list[str]:
    return calls.read_text().split() if calls.exists() else []


@pytest.fixture
def opened(tmp_path: Path, calls: Path, script: Any) -> Any:
    """Opens a registry with the server `hints` in it, synced the first time."""

    @asynccontextmanager
    async def make(
        settings: ValidationSettings = FAST, *, policy: PolicySettings | None = None, read_only: bool = False
    ) -> AsyncIterator[Registry]:
        given = Settings(validation=settings, policy=policy or PolicySettings())
        async with open_registry(Home(tmp_path), given) as registry:
            spec = replace(script("hints", str(calls)), read_only=read_only)
            registry.catalogue.add_server(spec, origin="added", replace=True)
            await registry.sync()
            yield registry

    return make


async def found_in(registry: Registry) -> list[tuple[Hit, ToolSpec]]:
    return await registry.search("ledger", 20)


def by_name(candidates: list[Candidate]) -> dict[str, Verdict]:
    return {candidate.tool.name: candidate.verdict for candidate in candidates}


async def test_only_what_reads_is_probed_and_only_what_fails_is_put_last(opened: Any, calls: Path) -> None:
    async with opened() as registry:
        found = [(hit, tool) for hit, tool in await found_in(registry) if tool.name != "slow"]
        candidates = await registry.validated(found)
    verdicts = by_name(candidates)
    assert {name for name, verdict in verdicts.items() if verdict.outcome is Outcome.PASSED} == {"look", "convert"}
    assert {name: verdict.reason for name, verdict in verdicts.items() if verdict.outcome is Outcome.FAILED} == {
        "broken": "its call ended in an error",
        "empty": "its answer is empty",
        "odd": "its answer does not fit its output schema",
    }
    assert {name: verdict.reason for name, verdict in verdicts.items() if verdict.outcome is Outcome.NOT_CHECKED} == {
        "wipe": "it says that it may destroy something",
        "sly": "it says that it may destroy something",
        "quiet": "nobody says that it only reads",
        "file": "needs 'path', which leads out of the tool",
        "account": "needs 'account_id', of which its schema gives no example",
    }
    assert verdicts["convert"].arguments == {"unit": "m"}
    assert sorted(called(calls)) == ["broken", "convert", "empty", "look", "odd"]
    assert {candidate.tool.name for candidate in candidates[-3:]} == {"broken", "empty", "odd"}
    assert len(candidates) == len(found), "nothing is hidden"


async def test_a_tool_that_never_answers_has_failed_and_costs_its_deadline_only(opened: Any) -> None:
    async with opened(ValidationSettings(candidates=20, timeout_s=0.3)) as registry:
        found = [(hit, tool) for hit, tool in await found_in(registry) if tool.name == "slow"]
        (candidate,) = await registry.validated(found)
    assert candidate.verdict == Verdict(outcome=Outcome.FAILED, reason="no answer within 0.3 s")


async def test_a_verdict_is_kept_for_its_time_and_by_other_processes(opened: Any, calls: Path) -> None:
    for keep_s, times in ((60.0, 1), (60.0, 1), (0.0, 2)):
        async with opened(ValidationSettings(candidates=20, keep_s=keep_s)) as registry:
            found = [(hit, tool) for hit, tool in await found_in(registry) if tool.name == "look"]
            assert by_name(await registry.validated(found))["look"].outcome is Outcome.PASSED
        assert called(calls) == ["look"] * times


async def test_a_tool_that_is_launched_otherwise_is_probed_again(opened: Any, calls: Path, script: Any) -> None:
    async with opened() as registry:
        found = [(hit, tool) for hit, tool in await found_in(registry) if tool.name == "look"]
        await registry.validated(found)
        other = script("hints", str(calls), env={"OTHER": "1"})
        registry.catalogue.add_server(other, origin="added", replace=True)
        registry.forget()
        await registry.validated(found)
    assert called(calls) == ["look", "look"]


async def test_a_probe_is_told_apart_in_the_audit(opened: Any) -> None:
    async with opened() as registry:
        found = [(hit, tool) for hit, tool in await found_in(registry) if tool.name in {"look", "broken"}]
        await registry.validated(found)
        await registry.call("hints/look", {})
        await registry._audit.flush()
        outcomes = Counter(call.outcome for call in registry.catalogue.calls())
    assert outcomes == {"probe ok": 1, "probe error": 1, "ok": 1}


async def test_the_operators_word_lets_a_silent_tool_be_probed_but_no_destructive_one(opened: Any, calls: Path) -> None:
    async with opened(read_only=True) as registry:
        found = [(hit, tool) for hit, tool in await found_in(registry) if tool.name in {"quiet", "wipe", "sly"}]
        await registry.validated(found)
    assert called(calls) == ["quiet"]


async def test_what_the_policy_denies_is_not_probed(opened: Any, calls: Path) -> None:
    async with opened() as open_to_all:
        found = [(hit, tool) for hit, tool in await found_in(open_to_all) if tool.name == "look"]
    async with opened(policy=PolicySettings(deny=("hints/look",))) as registry:
        await registry.validated(found)
    assert called(calls) == []


async def test_only_the_first_candidates_are_probed(opened: Any, calls: Path) -> None:
    async with opened(ValidationSettings(candidates=1)) as registry:
        found = [(hit, tool) for hit, tool in await found_in(registry) if tool.name in {"look", "convert"}]
        candidates = await registry.validated(found)
    assert len(called(calls)) == 1
    assert [candidate.verdict.outcome for candidate in candidates] == [Outcome.PASSED, Outcome.NOT_CHECKED]


async def test_a_writer_is_asked_for_what_the_schema_does_not_say_but_never_for_what_leads_outside(
    opened: Any, calls: Path
) -> None:
    asked: list[str] = []

    async def write(tool: ToolSpec) -> Mapping[str, Any]:
        asked.append(tool.name)
        return {"account_id": "7"}

    async with opened() as registry:
        found = [(hit, tool) for hit, tool in await found_in(registry) if tool.name in {"look", "file", "account"}]
        verdicts = by_name(await registry.validated(found, write))
    assert asked == ["account"]
    assert verdicts["account"] == Verdict(outcome=Outcome.PASSED, arguments={"account_id": "7"})
    assert sorted(called(calls)) == ["account", "look"]


async def test_a_writer_that_gives_up_leaves_the_tool_unchecked(opened: Any, calls: Path) -> None:
    async def write(tool: ToolSpec) -> Mapping[str, Any]:
        raise NoQuery("no idea")

    async with opened() as registry:
        found = [(hit, tool) for hit, tool in await found_in(registry) if tool.name == "account"]
        verdicts = by_name(await registry.validated(found, write))
    assert verdicts["account"] == Verdict(outcome=Outcome.NOT_CHECKED, reason="no idea")
    assert called(calls) == []


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({"content": [{"type": "text", "text": "42"}]}, ""),
        ({"content": [], "structuredContent": {"result": []}}, ""),
        ({"content": [{"type": "image", "data": "", "mimeType": "image/png"}]}, ""),
        ({"content": [{"type": "text", "text": " "}]}, "its answer is empty"),
        ({}, "its answer is empty"),
        ({"content": [{"type": "text", "text": "42"}], "isError": True}, "its call ended in an error"),
    ],
)
def test_an_answer_is_judged_by_its_form(raw: dict[str, Any], reason: str) -> None:
    verdict = judge(ToolSpec(server="s", name="t"), ToolResult(raw), seconds=0.1, timeout_s=1.0)
    assert (verdict.reason, verdict.outcome) == (reason, Outcome.FAILED if reason else Outcome.PASSED)


def test_structured_content_is_due_where_an_output_schema_is_published() -> None:
    tool = ToolSpec(server="s", name="t", output_schema={"type": "object"})
    result = ToolResult({"content": [{"type": "text", "text": "42"}]})
    assert "without structured content" in judge(tool, result, seconds=0.1, timeout_s=1.0).reason


def test_a_definition_without_a_server_is_not_probed() -> None:
    tool = ToolSpec(server="s", name="t", annotations=READS)
    assert why_not_probed(tool, None) == "there is no server behind it"


def test_what_failed_comes_last_and_everything_else_keeps_its_order() -> None:
    outcomes = [Outcome.FAILED, Outcome.NOT_CHECKED, Outcome.PASSED, Outcome.FAILED, Outcome.PASSED]
    candidates = [
        Candidate(
            hit=Hit(id=f"s/{i}", kind="tool", score=1 - i / 10),
            tool=ToolSpec(server="s", name=str(i)),
            verdict=Verdict(outcome=outcome),
        )
        for i, outcome in enumerate(outcomes)
    ]
    assert [candidate.tool.name for candidate in demote(candidates)] == ["1", "2", "4", "0", "3"]
