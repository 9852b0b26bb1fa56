"""What may be seen and called: patterns, annotations, and deny before ask before allow."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_registry.annotations import Annotation, annotations_of
from mcp_registry.errors import BadSettings
from mcp_registry.home import find_home
from mcp_registry.policy import Decision, Policy, PolicySettings, policy_of
from mcp_registry.settings import load_settings
from retrieval.tool import ToolSpec

READS = {"readOnlyHint": True, "openWorldHint": False}
HINTS = st.dictionaries(
    st.sampled_from(["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint", "title"]),
    st.sampled_from([True, False, None, "yes"]),
)
PATTERNS = st.builds(
    str.__add__,
    st.sampled_from(["", "a", "a/x", "a*", "*", "*/x"]),
    st.sampled_from(["", *(f"@{each}" for each in Annotation)]),
).filter(bool)


def tool(name: str, **hints: bool) -> ToolSpec:
    return ToolSpec(server="fs", name=name, annotations=hints or None)


@pytest.mark.parametrize(
    ("hints", "expected"),
    [
        (None, {"write", "destructive", "open-world"}),
        ({"readOnlyHint": True}, {"read-only", "idempotent", "open-world"}),
        ({"destructiveHint": False}, {"write", "open-world"}),
        ({"idempotentHint": True, "openWorldHint": False}, {"write", "destructive", "idempotent"}),
        ({"readOnlyHint": True, "destructiveHint": True}, {"write", "destructive", "open-world"}),
        ({"readOnlyHint": "true"}, {"write", "destructive", "open-world"}),
    ],
)
def test_hints_that_are_not_given_have_the_protocols_defaults(hints: dict | None, expected: set[str]) -> None:
    assert annotations_of(hints) == expected


def test_the_operators_word_makes_a_tool_read_only() -> None:
    assert Annotation.READ_ONLY in annotations_of(None, read_only=True)
    policy = Policy(ask=("@write",))
    assert policy.decide(tool("remove")) is Decision.ASK
    assert policy.decide(tool("remove"), read_only=True) is Decision.ALLOW


def test_deny_comes_before_ask_and_ask_before_allow() -> None:
    policy = Policy(allow=("fs",), ask=("@destructive", "fs/move"), deny=("fs/format*", "*@open-world"))
    assert policy.decide(tool("format_disk", openWorldHint=False)) is Decision.DENY
    assert policy.decide(tool("remove")) is Decision.DENY
    assert policy.decide(tool("remove", openWorldHint=False)) is Decision.ASK
    assert policy.decide(tool("move", readOnlyHint=True, openWorldHint=False)) is Decision.ASK
    assert policy.decide(tool("list", readOnlyHint=True, openWorldHint=False)) is Decision.ALLOW
    assert policy.decide(ToolSpec(server="mail", name="list", annotations=READS)) is Decision.DENY


def test_what_is_allowed_by_annotation_is_all_that_is_allowed() -> None:
    policy = Policy(allow=("@read-only", "fs/append@write"))
    assert policy.decide(tool("list", readOnlyHint=True)) is Decision.ALLOW
    assert policy.decide(tool("append")) is Decision.ALLOW
    assert policy.decide(tool("remove")) is Decision.DENY


def test_a_server_card_is_hidden_only_where_all_of_its_server_is() -> None:
    policy = Policy(deny=("shell", "fs@write"))
    assert not policy.allows("shell")
    assert policy.allows("fs")


@given(st.lists(PATTERNS), st.lists(PATTERNS), st.lists(PATTERNS), HINTS, st.booleans())
def test_seeing_and_calling_never_disagree(allow, deny, ask, hints, read_only) -> None:
    policy = Policy(tuple(allow), tuple(deny), tuple(ask))
    spec = ToolSpec(server="a", name="x", annotations=hints)
    seen = policy.allows("a/x", annotations_of(hints, read_only=read_only))
    assert seen == (policy.decide(spec, read_only=read_only) is not Decision.DENY)
    plain = Policy(policy.allow, policy.deny)
    if policy.decide(spec, read_only=read_only) is not Decision.ASK:
        assert policy.decide(spec, read_only=read_only) is plain.decide(spec, read_only=read_only)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("fs@wrote", "did you mean @write"),
        ("@scope-server", "an @ in a name is written"),
        ("", "names no server"),
        ("/remove", "names no server"),
        ("fs@", "there are @read-only"),
    ],
)
def test_a_pattern_that_cannot_be_read_is_refused_with_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, told: str
) -> None:
    monkeypatch.setenv("QUARTERMASTER_HOME", str(tmp_path))
    home = find_home()
    for key in ("allow", "deny", "ask"):
        home.settings_file.write_text(f"[policy]\n{key} = ['{pattern}']\n")
        with pytest.raises(BadSettings, match=f"{key}: .*{told}"):
            load_settings(home, {})


def test_a_servers_at_sign_is_written_as_a_question_mark() -> None:
    assert not Policy(deny=("?scope-server",)).allows("@scope-server/tool")


def test_settings_become_the_policy() -> None:
    settings = msgspec.convert({"ask": ["@write"], "trusted": ["in*"]}, PolicySettings)
    policy = policy_of(settings)
    assert policy.ask == ("@write",)
    assert policy.trusts("intranet")
    assert not policy.trusts("mail")
