"""MCPCorpus in both its forms: dirty records become offers, and what cannot be launched is still found."""

import json
from pathlib import Path

import pytest

from mcp_registry.feeds.read import read_feed
from mcp_registry.server import Http, Stdio

DATA = Path(__file__).parents[1] / "data"


def by_name(feed):
    return {offer.name: offer for offer in feed.offers}


def test_the_cleaned_list():
    feed = read_feed(DATA / "mcpcorpus_cleaned.json")
    offers = by_name(feed)
    assert feed.form == "MCPCorpus"
    assert list(offers) == ["ann-notes-mcp", "bob-maps", "eve-piped", "fay-mislabelled"]
    notes = offers["ann-notes-mcp"]
    assert notes.card.tags == ("notes", "search", "databases")
    assert notes.card.tool_names == ("add_note", "find_notes")
    assert notes.about["licence"] == "MIT License"
    assert "archived" not in notes.about


def test_the_configuration_comes_before_the_command_and_its_blanks_become_references():
    option = by_name(read_feed(DATA / "mcpcorpus_cleaned.json"))["ann-notes-mcp"].launch[0]
    assert option.transport == Stdio(
        command="npx", args=("-y", "notes-mcp"), env={"NOTES_TOKEN": "${NOTES_TOKEN}", "PAGE_SIZE": "20"}
    )
    assert option.needs == {"NOTES_TOKEN": "published as 'your notes token'"}


def test_a_public_url_is_the_last_option_and_a_cluster_s_own_is_none():
    offers = by_name(read_feed(DATA / "mcpcorpus_cleaned.json"))
    assert len(offers["ann-notes-mcp"].launch) == 1
    command, hosted = offers["bob-maps"].launch
    assert command.transport == Stdio(command="uvx", args=("maps-mcp",), env={"MAPS_KEY": "${MAPS_KEY}"})
    assert hosted.transport == Http(url="https://maps.example.com/sse", kind="sse")


def test_a_command_that_needs_a_shell_leaves_the_server_without_a_launch_option():
    feed = read_feed(DATA / "mcpcorpus_cleaned.json")
    assert by_name(feed)["eve-piped"].launch == ()
    assert "1 (piped) left out: their command is no launch option: it needs a shell" in feed.problems


def test_clients_are_left_out_unless_a_server_s_configuration_came_with_them():
    feed = read_feed(DATA / "mcpcorpus_cleaned.json")
    assert "1 (Chatter) left out: they are clients, and only servers can be launched" in feed.problems
    assert by_name(feed)["fay-mislabelled"].launch[0].transport == Http(url="https://mislabelled.example.com/mcp")


def test_the_raw_crawl_that_is_cut_off():
    feed = read_feed(DATA / "mcpcorpus_raw.json")
    assert list(by_name(feed)) == ["ann-clock", "bob-tea-house", "eve-never-fetched", "zoë-café"]
    assert "5 whole records" in feed.problems[0]


def test_links_of_one_server_are_merged():
    feed = read_feed(DATA / "mcpcorpus_raw.json")
    clock = by_name(feed)["ann-clock"]
    assert clock.card.tags == ("time", "zones", "developer-tools")
    assert clock.about["stars"] == "3"
    assert "1 (clock): listed more than once, and merged" in feed.notes


def test_a_dangling_reference_is_nothing_and_the_wrong_encoding_is_mended():
    offers = by_name(read_feed(DATA / "mcpcorpus_raw.json"))
    tea = offers["bob-tea-house"]
    assert (tea.card.title, tea.card.description) == ("茶馆 Tea", "Orders tea — 茶。")
    assert tea.launch == ()
    assert offers["zoë-café"].card.description == "Finds a café nearby."
    assert "$2" not in repr(list(offers.values()))


def test_a_record_without_details_is_known_by_its_link(tmp_path):
    path = tmp_path / "crawl.json"
    path.write_text(json.dumps([{"href": "/server/a%20b/ann"}, {"href": "/server/alone/"}]))
    assert list(by_name(read_feed(path))) == ["ann-a-b", "alone"]


@pytest.mark.parametrize(
    "url",
    [
        "http://time-svc.chatmcp:9593/rest",
        "http://everart-svc:9593/rest",
        "http://x.default.svc.cluster.local/sse",
        "http://127.0.0.1:8000/sse",
        "http://10.1.2.3/sse",
        "http://localhost:3000",
        "ws://x.example.com/sse",
        "not a url",
    ],
)
def test_only_public_urls_are_launch_options(tmp_path, url):
    path = tmp_path / "list.json"
    path.write_text(json.dumps([{"name": "x", "server_config": None, "server_command": None, "sse_url": url}]))
    assert read_feed(path).offers[0].launch == ()


@pytest.mark.parametrize("config", ["$2d", "not json", "[]", '{"mcpServers": 1}', '{"mcpServers": {"a": "b"}}', "{}"])
def test_a_broken_configuration_leaves_the_server_to_be_found(tmp_path, config):
    path = tmp_path / "list.json"
    path.write_text(json.dumps([{"name": "x", "title": "X", "server_config": config, "server_command": ""}]))
    offer = read_feed(path).offers[0]
    assert (offer.card.title, offer.launch) == ("X", ())
