"""What a published command leaves open becomes a reference; what is whole stays as it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_registry.feeds.placeholder import Blanks


@pytest.mark.parametrize(
    ("published", "filled"),
    [
        ("YOUR_SENTRY_TOKEN", "${SENTRY_TOKEN}"),
        ("<your Serper API key>", "${SERPER_API_KEY}"),
        ("{NEON_API_KEY}", "${NEON_API_KEY}"),
        ("{{PATH_TO_UV}}", "${SRV_UV}"),
        ("https://gitmcp.io/{owner}/{repo}", "https://gitmcp.io/${SRV_OWNER}/${SRV_REPO}"),
        ("https://x.example/mcp?appId=<YOUR APP ID>", "https://x.example/mcp?appId=${SRV_APP_ID}"),
        ("/path/to/server/index.js", "${SRV_PATH}"),
        ("path/to/config.json", "${SRV_PATH}"),
        ("/ABSOLUTE/PATH/TO/YOUR/build/index.js", "${SRV_PATH}"),
        ("C:\\path\\to\\server.ts", "${SRV_PATH}"),
        ("/Users/ann/code/server", "${SRV_PATH}"),
        ("/path/to/output:/output", "${SRV_PATH}:/output"),
        ("type=bind,src=/Users/ann/Desktop,dst=/home/app/x", "type=bind,src=${SRV_PATH},dst=/home/app/x"),
        ("--dir=/path/to/dir", "--dir=${SRV_PATH}"),
        ("~/.kube/config:/config", "${HOME}/.kube/config:/config"),
        ("${api-key}", "${SRV_API_KEY}"),
        ("${YOUR_API_KEY}", "${SRV_API_KEY}"),
        ("${API_KEY}", "${SRV_API_KEY}"),
        ("${SLACK_BOT_TOKEN}", "${SLACK_BOT_TOKEN}"),
        ("${REGION:-eu}", "${REGION:-eu}"),
        ("-y", "-y"),
        ("@scope/server@latest", "@scope/server@latest"),
        ("API_KEY", "API_KEY"),
        ("--access-level=readonly", "--access-level=readonly"),
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
        ("https://x.example/home/page", "https://x.example/home/page"),
        ("yourself", "yourself"),
    ],
)
def test_blanks_in_arguments_become_references(published, filled):
    assert Blanks("srv").text(published) == filled


@pytest.mark.parametrize("published", ["YOUR_KEY", "your-api-key-here", "xxx", "ntn_****", "<key>", "...", "api_key"])
def test_a_blank_in_an_environment_is_named_after_its_own_key(published):
    blanks = Blanks("srv")
    assert blanks.value("SERPER_API_KEY", published) == "${SERPER_API_KEY}"
    assert list(blanks.needs) == ["SERPER_API_KEY"]


def test_a_header_keeps_its_scheme():
    assert Blanks("srv").value("Authorization", "Bearer <token>") == "Bearer ${SRV_TOKEN}"


def test_whole_values_stay():
    blanks = Blanks("srv")
    assert [blanks.value("A", value) for value in ("8080", "https://x.example", "")] == [
        "8080",
        "https://x.example",
        "",
    ]
    assert blanks.needs == {}


def test_two_paths_get_two_variables_and_one_path_gets_one():
    blanks = Blanks("srv")
    texts = [blanks.text(path) for path in ("/path/to/a", "/path/to/b", "/path/to/a")]
    assert texts == ["${SRV_PATH}", "${SRV_PATH_2}", "${SRV_PATH}"]


def test_needs_say_what_the_source_says_of_them():
    blanks = Blanks("sentry", about={"SENTRY_TOKEN": "a user's token"})
    blanks.text("YOUR_SENTRY_TOKEN")
    blanks.text("YOUR_ORGANISATION")
    assert blanks.needs == {"SENTRY_TOKEN": "a user's token", "ORGANISATION": "published as 'YOUR_ORGANISATION'"}


def test_what_has_a_default_need_not_be_set():
    blanks = Blanks("srv")
    assert blanks.reference("REGION_NAME", default="eu") == "${REGION_NAME:-eu}"
    assert blanks.needs == {}


@settings(deadline=None)
@given(st.text(max_size=60))
def test_filling_twice_is_filling_once(text):
    blanks = Blanks("srv")
    once = blanks.text(text)
    assert blanks.text(once) == once
