"""The three catalogues become offers with what must be set before each can be started."""

import gzip
import json
from pathlib import Path

import pytest

from mcp_registry.feeds.read import read_feed
from mcp_registry.server import Http, Stdio, references

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def feed():
    return read_feed(DATA / "catalogue_servers.jsonl.gz")


@pytest.fixture(scope="module")
def offers(feed):
    return {offer.name: offer for offer in feed.offers}


@pytest.fixture
def offer_of(tmp_path):
    def read(**record):
        path = tmp_path / "catalogue.jsonl"
        path.write_text(json.dumps({"server": "srv", "title": "Srv", "overview": "It serves.", **record}) + "\n")
        return read_feed(path).offers[0]

    return read


def test_an_installation_with_what_it_needs(offers):
    slack = offers["slack"]
    assert (slack.source, slack.card.title) == ("mcpm_registry", "Slack")
    npm, docker = slack.launch
    assert npm.transport == Stdio(
        command="npx",
        args=("-y", "@modelcontextprotocol/server-slack"),
        env={"SLACK_BOT_TOKEN": "${SLACK_BOT_TOKEN}", "SLACK_TEAM_ID": "${SLACK_TEAM_ID}"},
    )
    assert set(npm.needs) == {"SLACK_BOT_TOKEN", "SLACK_TEAM_ID"}
    assert all(npm.needs.values())
    assert docker.transport.args[-1] == "mcp/slack"


def test_an_environment_name_that_no_shell_could_export_gets_another(offers):
    assert offers["sandbox-mcp"].launch[0].transport.env == {"302AI_API_KEY": "${_302AI_API_KEY}"}


def test_the_first_of_two_servers_keeps_the_name(feed, offers):
    assert (offers["slack"].source, offers["slack-2"].source) == ("mcpm_registry", "docker_registry")
    assert any("slack" in note or "..." in note for note in feed.notes)


def test_a_remote_server_of_docker_s_registry(offers):
    option = offers["apify"].launch[0]
    assert option.transport == Http(url="https://mcp.apify.com", headers={"Authorization": "Bearer ${APIFY_API_KEY}"})
    assert list(option.needs) == ["APIFY_API_KEY"]
    assert offers["asana"].launch[0].transport == Http(url="https://mcp.asana.com/sse", kind="sse")


def test_an_image_with_volumes_arguments_and_defaults(offers):
    assert offers["SQLite"].launch[0].transport == Stdio(
        command="docker",
        args=("run", "-i", "--rm", "-v", "mcp-sqlite:/mcp", "mcp/sqlite", "--db-path", "/mcp/db.sqlite"),
    )
    args = offers["aks"].launch[0].transport.args
    assert "--access-level=${AKS_ACCESS_LEVEL:-readonly}" in args
    assert "${AKS_KUBECONFIG}:/home/mcp/.kube/config" in args
    folder = "${FILESYSTEM_PATHS}"
    assert offers["filesystem-2"].launch[0].transport.args == (
        *("run", "-i", "--rm", "-v", f"{folder}:{folder}", "--network", "none", "mcp/filesystem", folder),
    )


def test_an_optional_setting_may_stay_unset(offers):
    assert offers["circleci"].launch[0].transport.env["CIRCLECI_BASE_URL"] == "${CIRCLECI_BASE_URL:-}"
    assert "CIRCLECI_BASE_URL" not in offers["circleci"].launch[0].needs


def test_a_server_without_a_word_on_launching_is_a_card(offers):
    exa = offers["exa-2"]
    assert (exa.source, exa.launch) == ("toucan_servers", ())
    assert "web_search_exa" in exa.card.tool_names
    assert not {"search", "web", "api", "mcp"} & set(exa.card.tags)


def test_a_slash_in_a_name_becomes_a_dash(offers):
    assert "smithery-ai-google-maps" in offers


def test_what_is_left_out_is_told_of(feed, offers):
    assert not {"curl", "Not_found"} & set(offers)
    told = " ".join(feed.problems)
    assert "1 (curl) left out: they are containers of plain commands" in told
    assert "1 (Not_found) left out" in told
    assert "ableton-live (custom)" in told
    assert offers["ableton-live"].launch == ()


def test_every_need_is_a_reference_of_its_option(feed):
    for offer in feed.offers:
        for option in offer.launch:
            assert set(option.needs) <= set(references(option.transport))


def test_recommended_installations_come_first(offer_of):
    offer = offer_of(
        installations={
            "docker": {"type": "docker", "command": "docker", "args": ["run", "-i", "x"]},
            "npm": {"type": "npm", "command": "npx", "args": ["-y", "x"], "recommended": True},
        }
    )
    assert [option.label for option in offer.launch] == ["npm", "docker"]


def test_a_literal_secret_in_a_catalogue_is_not_kept(offer_of):
    installation = {
        "type": "npm",
        "command": "npx",
        "args": ["-y", "x", "--token", "hunter2"],
        "env": {"DB_PASSWORD": "hunter3"},
    }
    offer = offer_of(installations={"npm": installation})
    assert "hunter" not in repr(offer)
    assert set(offer.launch[0].needs) == {"SRV_TOKEN", "DB_PASSWORD"}


@pytest.mark.parametrize(
    "odd",
    [
        {"installations": {"a": None, "b": {}, "c": {"command": 1}}},
        {"installations": None},
        {"image": "x/y", "config": [], "run": "none"},
        {"image": "x/y", "config": {"env": [{}], "secrets": ["text"]}, "run": {"volumes": "none"}},
        {"image": None, "remote": {"url": None}},
        {"remote_or_local": "Remote", "tags": None, "remote_tool_names": None},
    ],
)
def test_odd_records_stop_nothing(offer_of, odd):
    assert offer_of(**odd).name == "srv"


def test_server_cards_are_offers_without_a_launch_option(tmp_path):
    path = tmp_path / "cards.jsonl.gz"
    rows = [
        {"name": "a", "version": "1", "summary": "Does a."},
        {"name": "a", "version": "2", "summary": "Too."},
        {"name": ""},
    ]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    feed = read_feed(path)
    assert feed.form == "server cards"
    assert [(offer.name, offer.card.description, offer.launch) for offer in feed.offers] == [
        ("a", "Does a.", ()),
        ("a-2", "Too.", ()),
    ]
    assert feed.problems == ("1 (line 3) left out: they are in no known form",)
