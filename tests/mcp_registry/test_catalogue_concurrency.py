"""Several threads and processes at one catalogue, on SQLite and on PostgreSQL."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from mcp_registry.catalogue import open_catalogue
from mcp_registry.diff import diff
from mcp_registry.offer import LaunchOption, Offer
from mcp_registry.record import CallRecord
from mcp_registry.server import ServerSpec, Stdio
from retrieval.card import ServerCard
from retrieval.tool import ToolSpec

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

SYNC_IN_TURNS = """
import sys
from datetime import UTC, datetime
from mcp_registry.catalogue import open_catalogue
from mcp_registry.diff import diff
from retrieval.tool import ToolSpec
with open_catalogue(sys.argv[1]) as catalogue:
    print("ready", flush=True)
    for turn in range(int(sys.argv[2])):
        tools = [ToolSpec(server="git", name=f"{turn % 2}-{number}") for number in range(10)]
        found = diff(catalogue.fingerprints("git"), ((tool.tool_id, tool) for tool in tools))
        catalogue.record_sync("git", found, set_aside=[], info=None, at=datetime.now(UTC))
"""


def add_server(catalogue, name):
    catalogue.add_server(ServerSpec(name=name, transport=Stdio(command="x")), origin="added")


def sync(catalogue, server, tools):
    found = diff(catalogue.fingerprints(server), ((tool.tool_id, tool) for tool in tools))
    return catalogue.record_sync(server, found, set_aside=[], info=None, at=NOW)


def test_a_reader_never_sees_half_of_another_processes_sync(catalogue_url):
    with open_catalogue(catalogue_url) as catalogue:
        add_server(catalogue, "git")
        start = sync(catalogue, "git", [ToolSpec(server="git", name=f"1-{number}") for number in range(10)])
        command = [sys.executable, "-c", SYNC_IN_TURNS, catalogue_url, "60"]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout.readline() == "ready\n"
        seen, generations = set(), [start]
        while writer.poll() is None:
            names = frozenset(id_[:5] for id_ in catalogue.fingerprints("git"))
            assert len(catalogue.fingerprints("git")) == 10
            assert len(names) == 1
            seen |= names
            generations.append(catalogue.generation())
        writer.communicate(timeout=30)
        assert writer.returncode == 0
        assert seen == {"git/0", "git/1"}
        assert generations == sorted(generations)
        assert catalogue.generation() == start + 60


def test_two_processes_that_sync_the_same_server_do_not_break_each_other(catalogue_url):
    with open_catalogue(catalogue_url) as catalogue:
        add_server(catalogue, "git")
        command = [sys.executable, "-c", SYNC_IN_TURNS, catalogue_url, "41"]
        writers = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
        assert [writer.communicate(timeout=60)[1] for writer in writers] == [b"", b""]
        assert {f"git/0-{number}" for number in range(10)} <= set(catalogue.fingerprints("git"))


def test_threads_that_write_and_read_at_once_lose_nothing(catalogue):
    start = catalogue.generation()

    def work(thread):
        server = f"server-{thread}"
        add_server(catalogue, server)
        for turn in range(10):
            sync(catalogue, server, [ToolSpec(server=server, name=f"tool-{turn}")])
            call = CallRecord(server=server, tool=f"tool-{turn}", at=NOW, seconds=0.1, outcome="ok")
            catalogue.record_calls([call])
            assert list(catalogue.fingerprints(server)) == [f"{server}/tool-{turn}"]
            assert catalogue.server(server).tools == 1
        catalogue.record_failure(server, "down", at=NOW)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert len(catalogue.fingerprints()) == 8
    assert catalogue.generation() == start + 80
    assert len(catalogue.calls(limit=1000)) == 80


def test_one_of_several_threads_that_enable_the_same_offer_succeeds(catalogue):
    option = LaunchOption(label="npm", transport=Stdio(command="npx"))
    catalogue.add_offers([Offer(card=ServerCard(name="notion"), source="list", launch=(option,))], at=NOW)

    def enable(_):
        try:
            return catalogue.enable_offer("notion").name
        except Exception as error:
            return type(error).__name__

    with ThreadPoolExecutor(6) as threads:
        outcomes = sorted(threads.map(enable, range(6)))
    assert outcomes == ["BadServer"] * 5 + ["notion"]
