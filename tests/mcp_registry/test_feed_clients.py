"""Clients' configurations become enabled servers; their literal secrets do not come along."""

import json
from pathlib import Path

import pytest

from mcp_registry.errors import BadImport
from mcp_registry.feeds.read import read_feed
from mcp_registry.server import Http, Stdio

CLIENTS = Path(__file__).parents[1] / "data" / "clients"


@pytest.fixture
def feed_of(tmp_path):
    def read(content, name="config.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return read_feed(path)

    return read


def by_name(feed):
    return {server.name: server for server in feed.servers}


def test_claude_desktop():
    feed = read_feed(CLIENTS / "claude_desktop_config.json")
    servers = by_name(feed)
    assert list(servers) == ["filesystem", "memory", "slack"]
    assert servers["memory"].transport.env == {"MEMORY_FILE_PATH": "/home/ann/memory.jsonl"}
    assert servers["memory"].limits.call_s == 120
    assert servers["slack"].transport.env == {"SLACK_BOT_TOKEN": "${SLACK_BOT_TOKEN}", "SLACK_TEAM_ID": "T012345"}
    assert feed.problems == ("server 'old one' is left out: it is disabled in the file",)
    assert "export SLACK_BOT_TOKEN=..." in feed.notes[0]
    assert "not-a-real-token" not in repr(feed)


def test_cursor():
    feed = read_feed(CLIENTS / "cursor.json")
    servers = by_name(feed)
    assert servers["linear"].transport == Http(url="https://mcp.linear.app/sse", kind="sse")
    assert servers["notion"].transport.headers == {"Authorization": "Bearer ${NOTION_AUTHORIZATION}"}
    assert servers["project"].transport == Stdio(
        command=f"{CLIENTS}/bin/server", args=("--root", str(CLIENTS)), env={"HOST": "${PROJECT_HOST}"}
    )
    assert feed.problems == ("server 'broken' is left out: it has no command and no URL",)


def test_vscode_with_comments_and_inputs():
    feed = read_feed(CLIENTS / "vscode_mcp.json")
    servers = by_name(feed)
    assert servers["github"].transport.headers == {"Authorization": "Bearer ${GITHUB_TOKEN}"}
    assert servers["aws-docs"].transport.env == {"AWS_REGION": "${REGION:-eu-central-1}", "LOG_LEVEL": "ERROR"}
    assert "server 'github': export GITHUB_TOKEN=..., which the editor would ask for (GitHub token)" in feed.notes
    assert "server 'aws docs' is called 'aws-docs' here" in feed.notes
    assert "only its editor can resolve ${command:python.interpreterPath}" in feed.problems[0]


def test_codex():
    feed = read_feed(CLIENTS / "codex.toml")
    servers = by_name(feed)
    assert servers["context7"].transport.env == {"CONTEXT7_API_KEY": "${CONTEXT7_API_KEY}"}
    assert (servers["context7"].limits.open_s, servers["context7"].limits.call_s) == (20, 90)
    assert servers["figma"].transport.headers == {"Authorization": "Bearer ${FIGMA_OAUTH_TOKEN}"}
    assert "not-a-real-key" not in repr(feed)


ENTRY = {"command": "uvx", "args": ["x"]}


@pytest.mark.parametrize(
    "content",
    [
        {"mcpServers": {"a": ENTRY}},
        {"servers": {"a": ENTRY}},
        {"mcp": {"servers": {"a": ENTRY}}, "editor.fontSize": 12},
        {"context_servers": {"a": {"source": "custom", **ENTRY}}, "theme": "One"},
        {"context_servers": {"a": {"command": {"path": "uvx", "args": ["x"]}}}},
        {"amp.mcpServers": {"a": ENTRY}},
        {"mcp": {"a": {"type": "local", "command": ["uvx", "x"], "enabled": True}}},
        {"projects": {"/work": {"mcpServers": {"a": ENTRY}, "history": []}}},
        {"a": ENTRY},
    ],
)
def test_every_known_key_is_found(feed_of, content):
    feed = feed_of(content)
    assert [(server.name, server.transport) for server in feed.servers] == [("a", Stdio(command="uvx", args=("x",)))]


def test_one_bad_entry_stops_no_other(feed_of):
    feed = feed_of({"mcpServers": {"text": "x", "empty": {}, "number": {"command": 1}, "good": ENTRY}})
    assert [server.name for server in feed.servers] == ["good"]
    assert len(feed.problems) == 3


def test_projects_that_use_the_same_name_keep_both_servers(feed_of):
    feed = feed_of(
        {
            "mcpServers": {"git": ENTRY},
            "projects": {"/a": {"mcpServers": {"git": {"command": "uvx", "args": ["other"]}}}},
        }
    )
    assert [server.name for server in feed.servers] == ["git", "git-2"]
    assert "server 'git' is called 'git-2' here" in feed.notes


def test_our_own_gateway_is_never_imported(feed_of):
    own = {"command": "/opt/bin/quartermaster", "args": ["gateway", "--home", "/x"]}
    module = {"command": "/usr/bin/python3", "args": ["-m", "quartermaster", "gateway"]}
    feed = feed_of({"mcpServers": {"q": own, "m": module, "git": ENTRY}})
    assert [server.name for server in feed.servers] == ["git"]
    assert all("must not start itself" in problem for problem in feed.problems)


def test_variables_of_several_editors_become_references(feed_of):
    feed = feed_of(
        {
            "mcpServers": {
                "a": {
                    "command": "~/bin/a",
                    "args": ["${userHome}/x", "{env:ROOT}", "${A_B:-c}"],
                    "env": {"G": "$GEMINI_STYLE", "C": "${CLAUDE_STYLE}", "P": "costs $5"},
                    "cwd": "~/work",
                }
            }
        }
    )
    assert feed.servers[0].transport == Stdio(
        command="${HOME}/bin/a",
        args=("${HOME}/x", "${ROOT}", "${A_B:-c}"),
        env={"G": "${GEMINI_STYLE}", "C": "${CLAUDE_STYLE}", "P": "costs $5"},
        cwd="${HOME}/work",
    )


def test_the_workspace_is_the_folder_above_vscode(feed_of, tmp_path):
    feed = feed_of(
        {"servers": {"a": {"command": "${workspaceFolder}/run", "args": ["${workspaceFolderBasename}"]}}},
        name=".vscode/mcp.json",
    )
    assert feed.servers[0].transport == Stdio(command=f"{tmp_path}/run", args=(tmp_path.name,))


@pytest.mark.parametrize(("timeout", "call_s"), [(60000, 60), (5000, 5), (30, 30), (True, 60), ("9", 60), (-1, 60)])
def test_timeouts_are_milliseconds_unless_they_are_too_small_to_be(feed_of, timeout, call_s):
    assert feed_of({"mcpServers": {"a": {**ENTRY, "timeout": timeout}}}).servers[0].limits.call_s == call_s


def test_an_absurd_timeout_is_cut_and_told_of(feed_of):
    feed = feed_of({"mcpServers": {"a": {**ENTRY, "timeout": 10**9}}})
    assert feed.servers[0].limits.call_s == 3600
    assert "is cut to 3600 s" in feed.notes[0]


def test_an_empty_configuration_is_an_empty_feed(feed_of):
    feed = feed_of({"mcpServers": {}})
    assert (feed.servers, feed.problems) == ((), ())


def test_settings_without_servers_are_no_known_form(feed_of):
    with pytest.raises(BadImport, match="Known forms: a client's configuration"):
        feed_of({"editor.fontSize": 12, "servers": "none", "mcp": {"enabled": True}})


def test_a_secret_shows_up_in_no_problem_either(feed_of):
    feed = feed_of(
        {
            "mcpServers": {
                "a": {"url": "ftp://user:hunter2@host/x"},
                "b": {"command": "x", "type": "odd", "env": {"API_KEY": "hunter2"}},
                "c": {"command": "x", "args": ["--token", "hunter2"]},
            }
        }
    )
    assert "hunter2" not in repr(feed)
