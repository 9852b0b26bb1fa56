"""The full sets, where they are at hand: what was counted once must be counted again."""

import time
from pathlib import Path

import pytest

from mcp_registry.feeds.read import read_feed

FULL = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not FULL.is_dir(), reason="the full sets are not on this machine")


def counts(feed):
    launchable = sum(bool(offer.launch) for offer in feed.offers)
    return len(feed.offers), launchable, len(feed.tools)


def test_all_21300_tools_load_in_time():
    started = time.perf_counter()
    feed = read_feed(FULL / "mcp_tools.jsonl.gz")
    assert time.perf_counter() - started < 6  # measured: 0.8 s; this leaves room for a busy machine
    assert counts(feed) == (0, 0, 21300)
    assert feed.problems == ()
    assert len({tool.server for tool in feed.tools}) == 2422


def test_the_catalogue():
    feed = read_feed(FULL / "catalogue_servers.jsonl.gz")
    assert counts(feed) == (2823, 691, 0)
    assert sum(len(offer.launch) for offer in feed.offers) == 783


def test_the_cards():
    assert counts(read_feed(FULL / "server_cards.jsonl.gz")) == (19135, 0, 0)


def test_mcpcorpus():
    assert counts(read_feed(FULL / "mcpcorpus" / "servers_raw_sample.json.gz")) == (774, 58, 0)
    assert counts(read_feed(FULL / "mcpcorpus" / "clients_cleaned.json.gz")) == (6, 6, 0)


@pytest.mark.parametrize(
    ("name", "tools"),
    [
        ("bfcl_v4", 1297),
        ("metatool", 199),
        ("nestful", 133),
        ("sealtools", 4076),
        ("stabletoolbench", 2479),
        ("toollens", 464),
    ],
)
def test_the_labelled_sets(name, tools):
    feed = read_feed(FULL / "queries" / f"{name}.tools.jsonl.gz")
    assert counts(feed) == (0, 0, tools)
    assert feed.problems == ()
