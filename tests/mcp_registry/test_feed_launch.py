"""Entries and published commands become argv, never a shell's line; what could not start is told apart."""

import pytest

from mcp_registry.feeds.launch import NoTransport, offered, read_entry, split_command
from mcp_registry.feeds.placeholder import Blanks
from mcp_registry.server import Http, Stdio


@pytest.mark.parametrize(
    ("entry", "transport"),
    [
        ({"command": "uvx", "args": ["git"]}, Stdio(command="uvx", args=("git",))),
        ({"command": "run", "args": [1, True], "env": {"N": 1, "T": True, "X": None}, "cwd": "/w"},
         Stdio(command="run", args=("1", "true"), env={"N": "1", "T": "true"}, cwd="/w")),
        ({"command": ["npx", "-y", "a"], "type": "local", "environment": {"A": "b"}},
         Stdio(command="npx", args=("-y", "a"), env={"A": "b"})),
        ({"command": {"path": "/bin/a", "args": ["b"]}}, Stdio(command="/bin/a", args=("b",))),
        ({"command": "npx -y some-server"}, Stdio(command="npx", args=("-y", "some-server"))),
        ({"command": "/opt/my server/run", "args": []}, Stdio(command="/opt/my server/run")),
        ({"url": "https://x/mcp"}, Http(url="https://x/mcp")),
        ({"url": "https://x/sse"}, Http(url="https://x/sse", kind="sse")),
        ({"url": "https://x/sse/", "type": "http"}, Http(url="https://x/sse/")),
        ({"url": "https://x/mcp", "transport": "sse"}, Http(url="https://x/mcp", kind="sse")),
        ({"url": "https://x/mcp", "type": "streamable_http"}, Http(url="https://x/mcp")),
        ({"serverUrl": "https://x/mcp", "headers": {"A": "b"}}, Http(url="https://x/mcp", headers={"A": "b"})),
        ({"httpUrl": "https://x/sse"}, Http(url="https://x/sse")),
        ({"url": "${SERVER_URL}"}, Http(url="${SERVER_URL}")),
    ],
)  # fmt: skip
def test_every_spelling_of_an_entry_is_read(entry, transport):
    assert read_entry(entry) == transport


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({}, "no command and no URL"),
        ({"type": "stdio", "url": "https://x"}, "no command"),
        ({"command": 7}, "command must be"),
        ({"command": "a", "args": {"b": 1}}, "args must be a list"),
        ({"command": "a", "args": [["b"]]}, "args must hold texts"),
        ({"command": "a", "env": ["B=1"]}, "env must be an object"),
        ({"command": "a 'b"}, "not a command line"),
        ({"url": "file:///etc/passwd"}, "http:// or https://"),
        ({"url": ["https://x"]}, "URL must be a text"),
        ({"url": "https://x", "type": "websocket"}, "'websocket' is not known"),
        ({"url": "https://x", "type": 1}, "type must be a text"),
        ({"command": "a", "cwd": 1}, "cwd must be a text"),
    ],
)
def test_an_entry_that_says_nothing_of_use_is_told_why(entry, reason):
    with pytest.raises(NoTransport, match=reason):
        read_entry(entry)


def test_assignments_before_a_published_command_become_its_environment():
    assert split_command("KEY={KEY} npx -y 'a b'") == Stdio(command="npx", args=("-y", "a b"), env={"KEY": "{KEY}"})


@pytest.mark.parametrize(
    "line", ["curl x | sh", "a && b", "a; b", "a > f", "a `b`", "a $(b)", "a 'b", "alone", "", "X=1"]
)
def test_a_line_that_needs_a_shell_is_no_launch_option(line):
    with pytest.raises(NoTransport):
        split_command(line)


def option(command, *args, **env):
    return offered(Stdio(command=command, args=args, env=env), blanks=Blanks("srv"))


@pytest.mark.parametrize(
    "words",
    [
        ("pip", "install", "x"),
        ("go", "install", "x@latest"),
        ("npx", "x", "install", "--client", "c"),
        ("docker", "compose", "up"),
        ("docker", "exec", "-i", "c", "bash"),
        ("bash", "-c", "npx x"),
        ("node", "build/index.js"),
        ("python", "server.py"),
        ("uv", "run", "server.py"),
        ("./run.sh",),
        ("cargo", "run"),
        ("docker", "run", "-v", "$(pwd):/x", "img"),
    ],
)
def test_what_installs_builds_or_needs_a_checkout_is_no_launch_option(words):
    with pytest.raises(NoTransport):
        option(*words)


@pytest.mark.parametrize(
    "words",
    [
        ("npx", "-y", "x"),
        ("uvx", "--from", "git+https://example.com/x", "main.py"),
        ("uv", "run", "--with", "x", "x"),
        ("uv", "--directory", "/opt/x", "run", "main.py"),
        ("python", "-m", "x"),
        ("node", "/opt/x/index.js"),
        ("deno", "run", "-A", "jsr:@x/y"),
    ],
)
def test_what_a_machine_can_fetch_or_has_is_a_launch_option(words):
    assert option(*words).transport == Stdio(command=words[0], args=words[1:])


def test_docker_needs_no_terminal_and_gets_no_secret_on_its_command_line():
    found = option("docker", "run", "-it", "-e", "A_TOKEN=${A_TOKEN}", "-e", "${B_TOKEN}", "-e", "MODE=x", "img")
    assert found.transport == Stdio(
        command="docker",
        args=("run", "-i", "-e", "A_TOKEN", "-e", "B_TOKEN", "-e", "MODE=x", "img"),
        env={"A_TOKEN": "${A_TOKEN}", "B_TOKEN": "${B_TOKEN}"},
    )


def test_the_shell_around_a_command_is_taken_away():
    assert option("cmd", "/c", "npx", "-y", "x").transport == Stdio(command="npx", args=("-y", "x"))


def test_an_option_is_called_after_its_command_and_says_what_it_needs():
    found = option("/usr/bin/npx", "-y", "x", API_TOKEN="secret-value", HOME="/home/ann", PORT="1")
    assert found.label == "npx"
    assert found.transport.env == {"API_TOKEN": "${API_TOKEN}", "PORT": "1"}
    assert found.needs == {"API_TOKEN": "a secret (env API_TOKEN)"}
