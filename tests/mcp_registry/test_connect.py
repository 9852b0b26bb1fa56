"""Our entry in clients' files: merged, backed up, and never at the cost of what was there."""

import json
import os
import stat
import sys
import tomllib
from pathlib import Path

import pytest

from mcp_registry.clients import CLIENTS, client_of
from mcp_registry.connect import entry_for, own_command, render, snippet, write
from mcp_registry.errors import BadImport, BadServer
from mcp_registry.feeds.read import read_feed

HOME = Path("/home/ann/.quartermaster")
COMMAND = ("/opt/bin/quartermaster",)
ARGS = ["gateway", "--home", str(HOME)]
URL = "http://127.0.0.1:8765/mcp"


def entry(name):
    return entry_for(client_of(name), home=HOME, command=COMMAND)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("claude-desktop", {"command": COMMAND[0], "args": ARGS}),
        ("claude-code", {"type": "stdio", "command": COMMAND[0], "args": ARGS}),
        ("cursor", {"command": COMMAND[0], "args": ARGS}),
        ("vscode", {"type": "stdio", "command": COMMAND[0], "args": ARGS}),
        ("windsurf", {"command": COMMAND[0], "args": ARGS}),
        ("gemini", {"command": COMMAND[0], "args": ARGS}),
        ("codex", {"command": COMMAND[0], "args": ARGS}),
        ("zed", {"source": "custom", "command": COMMAND[0], "args": ARGS}),
        ("generic", {"command": COMMAND[0], "args": ARGS}),
    ],
)
def test_every_client_gets_an_entry_in_its_own_spelling(name, expected):
    assert entry(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("claude-code", {"type": "http", "url": URL}),
        ("cursor", {"url": URL}),
        ("vscode", {"type": "http", "url": URL}),
        ("windsurf", {"serverUrl": URL}),
        ("gemini", {"httpUrl": URL}),
        ("codex", {"url": URL}),
        ("zed", {"url": URL}),
        ("generic", {"url": URL}),
    ],
)
def test_a_running_service_is_entered_by_its_url(name, expected):
    assert entry_for(client_of(name), home=HOME, command=COMMAND, url=URL) == expected


def test_a_client_that_takes_commands_only_says_so():
    with pytest.raises(BadServer, match="reads only commands"):
        entry_for(client_of("claude-desktop"), home=HOME, command=COMMAND, url=URL)
    with pytest.raises(BadServer, match="not an http:// or https:// URL"):
        entry_for(client_of("cursor"), home=HOME, command=COMMAND, url="localhost:80")


def test_an_unknown_client_is_answered_with_the_nearest():
    with pytest.raises(BadServer, match=r"did you mean 'cursor'.*Known clients: claude-desktop"):
        client_of("curser")


def test_python_itself_can_be_the_command():
    made = entry_for(client_of("cursor"), home=HOME, command=("/usr/bin/python3", "-m", "quartermaster"))
    assert made == {"command": "/usr/bin/python3", "args": ["-m", "quartermaster", *ARGS]}


def test_our_own_command_is_absolute_and_exists():
    program, *rest = own_command()
    assert Path(program).is_absolute()
    assert Path(program).exists()
    assert rest in ([], ["-m", "quartermaster"])
    assert rest or Path(program).parent == Path(sys.executable).parent


@pytest.mark.parametrize("system", ["linux", "macos", "windows"])
def test_every_client_but_the_generic_one_has_a_file_on_every_system(system):
    for name, client in CLIENTS.items():
        path = client.path(home=Path("/h"), system=system)
        assert (path is None) == (name == "generic")
        assert path is None or path.is_relative_to("/h")


@pytest.mark.parametrize("name", list(CLIENTS))
def test_what_is_rendered_can_be_pasted(name):
    client = client_of(name)
    text = render(client, entry(name), path=Path("/etc/x"))
    assert "/etc/x" in text
    assert snippet(client, entry(name)) in text
    load = tomllib.loads if client.notation == "toml" else json.loads
    assert load(snippet(client, entry(name))) == {client.key: {"quartermaster": entry(name)}}


@pytest.mark.parametrize("name", [name for name in CLIENTS if name != "generic"])
def test_a_new_file_is_made_with_its_folders_and_our_own_importer_reads_it(name, tmp_path):
    path = tmp_path / "deep" / "folder" / ("config.toml" if name == "codex" else "config.json")
    done = write(client_of(name), entry(name), path=path)
    assert (done.changed, done.backup, done.path) == (True, None, path)
    assert read_feed(path).problems == (
        "server 'quartermaster' is left out: it is Quartermaster's own gateway, which must not start itself",
    )


def test_all_else_in_the_file_stays_and_the_old_file_is_kept_beside_it(tmp_path):
    path = tmp_path / "config.json"
    before = '{\n    "theme": "dünkel",\n    "mcpServers": {\n        "git": {"command": "uvx"}\n    }\n}\n'
    path.write_text(before)
    path.chmod(0o640)
    done = write(client_of("cursor"), entry("cursor"), path=path)
    after = json.loads(path.read_text())
    assert after == {
        "theme": "dünkel",
        "mcpServers": {"git": {"command": "uvx"}, "quartermaster": {"command": COMMAND[0], "args": ARGS}},
    }
    assert '\n    "theme": "dünkel"' in path.read_text()
    assert done.backup is not None
    assert done.backup.parent == tmp_path
    assert done.backup.read_text() == before
    assert [stat.S_IMODE(file.stat().st_mode) for file in (path, done.backup)] == [0o640, 0o640]
    assert sorted(tmp_path.iterdir()) == sorted([path, done.backup])


def test_writing_twice_changes_nothing_more(tmp_path):
    path = tmp_path / "config.json"
    write(client_of("cursor"), entry("cursor"), path=path)
    done = write(client_of("cursor"), entry("cursor"), path=path)
    assert (done.changed, done.backup) == (False, None)
    assert list(tmp_path.iterdir()) == [path]


def test_two_backups_in_one_second_do_not_replace_each_other(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"first": 1}')
    first = write(client_of("cursor"), entry("cursor"), path=path).backup
    path.write_text('{"second": 2}')
    second = write(client_of("cursor"), entry("cursor"), path=path).backup
    assert [json.loads(file.read_text()) for file in (first, second)] == [{"first": 1}, {"second": 2}]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"mcpServers": {', "not valid JSON"),
        ('{\n  // mine\n  "mcpServers": {}\n}', "comments or trailing commas"),
        ('{"mcpServers": {},}', "comments or trailing commas"),
        ('{"a": 1, "a": 2}', "same key twice"),
        ('{"mcpServers": []}', "'mcpServers' in it is not an object"),
        ("[1, 2]", "no JSON object"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_file_that_would_lose_something_is_left_as_it_is_and_the_entry_is_shown(tmp_path, content, reason):
    path = tmp_path / "config.json"
    raw = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(raw)
    with pytest.raises(BadImport, match=reason) as caught:
        write(client_of("cursor"), entry("cursor"), path=path)
    assert snippet(client_of("cursor"), entry("cursor")) in str(caught.value)
    assert path.read_bytes() == raw
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_somebody_else_changes_meanwhile_is_left_to_them(tmp_path, monkeypatch):
    path = tmp_path / "config.json"
    path.write_text("{}")
    real = os.fsync

    def changing(handle):
        path.write_text('{"theirs": 1}')
        real(handle)

    monkeypatch.setattr("mcp_registry.connect.os.fsync", changing)
    with pytest.raises(BadImport, match="changed by somebody else"):
        write(client_of("cursor"), entry("cursor"), path=path)
    assert json.loads(path.read_text()) == {"theirs": 1}
    assert not list(tmp_path.glob(".config.json*"))


def test_a_link_stays_a_link(tmp_path):
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    link = tmp_path / "config.json"
    link.symlink_to(real)
    done = write(client_of("cursor"), entry("cursor"), path=link)
    assert link.is_symlink()
    assert done.path == real
    assert "quartermaster" in real.read_text()


def test_a_folder_in_the_file_s_place_is_a_clear_error(tmp_path):
    with pytest.raises(BadImport, match="cannot be written"):
        write(client_of("cursor"), entry("cursor"), path=tmp_path)


def test_the_generic_client_has_no_file_of_its_own(tmp_path):
    with pytest.raises(BadServer, match="no file of its own"):
        write(client_of("generic"), entry("generic"))
    assert write(client_of("generic"), entry("generic"), path=tmp_path / "mine.json").changed


def test_codex_keeps_its_comments(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('# my model\nmodel = "x"\n\n[mcp_servers.git]\ncommand = "uvx" # local\n')
    write(client_of("codex"), entry("codex"), path=path)
    text = path.read_text()
    assert "# my model" in text
    assert "# local" in text
    assert tomllib.loads(text)["mcp_servers"]["quartermaster"] == {"command": COMMAND[0], "args": ARGS}
