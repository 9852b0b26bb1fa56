"""Offers in the catalogue, on SQLite and on PostgreSQL."""

from datetime import UTC, datetime

import pytest

from mcp_registry.errors import BadServer, NotStartable, UnknownServer
from mcp_registry.offer import LaunchOption, Offer
from mcp_registry.record import ServerStatus
from mcp_registry.server import Http, ServerSpec, Stdio
from retrieval.card import ServerCard
from retrieval.tool import ToolSpec

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

NPM = LaunchOption(
    label="npm", transport=Stdio(command="npx", args=("notion",), env={"K": "${KEY}"}), needs={"KEY": "a token \x00"}
)
REMOTE = LaunchOption(label="remote", transport=Http(url="https://notion.example/mcp"))
CARD = ServerCard(
    name="notion", title="Notion \ud800", description="Pages.\x00", tags=("notes",), tool_names=("query", "write")
)
NOTION = Offer(card=CARD, source="cards.jsonl", launch=(NPM, REMOTE), about={"stars": "12"})
ROUTES = Offer(card=ServerCard(name="routes", description="Finds a way"), source="crawl")


def counts(added):
    return (added.added, added.changed, added.unchanged)


def test_an_offer_comes_back_as_it_was(catalogue):
    assert counts(catalogue.add_offers([NOTION, ROUTES], at=NOW)) == (2, 0, 0)
    assert catalogue.offer("notion") == NOTION
    assert catalogue.offer("none") is None
    assert list(catalogue.offers()) == [NOTION, ROUTES]


def test_cards_are_read_as_tools_are(catalogue):
    catalogue.add_offers([NOTION, ROUTES], at=NOW)
    assert catalogue.card_fingerprints() == {"notion": CARD.fingerprint, "routes": ROUTES.card.fingerprint}
    assert catalogue.cards(["routes", "none", "notion"]) == {"routes": ROUTES.card, "notion": CARD}


def test_importing_again_changes_what_is_new_and_nothing_else(catalogue):
    catalogue.add_offers([NOTION, ROUTES], at=NOW)
    start = catalogue.generation()
    assert counts(catalogue.add_offers([NOTION, ROUTES], at=NOW)) == (0, 0, 2)
    assert catalogue.generation() == start
    newer = Offer(card=CARD, source="cards.jsonl", launch=(REMOTE,), about={"stars": "13"})
    assert counts(catalogue.add_offers([newer], at=NOW)) == (0, 1, 0)
    assert catalogue.generation() == start + 1
    assert list(catalogue.offers()) == [newer, ROUTES]


def test_enabling_makes_a_server_of_the_first_option_and_takes_the_card_away(catalogue):
    catalogue.add_offers([NOTION, ROUTES], at=NOW)
    start = catalogue.generation()
    spec = catalogue.enable_offer("notion")
    assert spec == ServerSpec(name="notion", transport=NPM.transport)
    record = catalogue.server("notion")
    assert (record.status, record.origin, record.spec) == (ServerStatus.NEW, "cards.jsonl", spec)
    assert list(catalogue.card_fingerprints()) == ["routes"]
    assert catalogue.cards(["notion"]) == {}
    assert list(catalogue.offers()) == [ROUTES]
    assert catalogue.offer("notion") == NOTION
    assert [record.status for record in catalogue.servers(offered=True)] == [ServerStatus.NEW, ServerStatus.OFFERED]
    assert catalogue.generation() == start + 1


def test_an_option_is_chosen_by_its_label(catalogue):
    catalogue.add_offers([NOTION], at=NOW)
    with pytest.raises(NotStartable, match="no launch option 'docker'; it has 'npm', 'remote'"):
        catalogue.enable_offer("notion", "docker")
    assert catalogue.server("notion").status == ServerStatus.OFFERED
    assert catalogue.enable_offer("notion", "remote").transport == REMOTE.transport


def test_what_cannot_be_enabled_says_why(catalogue):
    catalogue.add_offers([NOTION, ROUTES], at=NOW)
    with pytest.raises(NotStartable, match="crawl knows server 'routes' but not how to launch it"):
        catalogue.enable_offer("routes")
    with pytest.raises(UnknownServer, match="nearest: notion"):
        catalogue.enable_offer("noton")
    catalogue.enable_offer("notion")
    with pytest.raises(BadServer, match="enabled already"):
        catalogue.enable_offer("notion")


def test_removing_an_enabled_server_offers_it_again(catalogue):
    catalogue.add_offers([NOTION], at=NOW)
    catalogue.enable_offer("notion")
    start = catalogue.generation()
    catalogue.remove_server("notion")
    assert list(catalogue.card_fingerprints()) == ["notion"]
    assert catalogue.generation() == start + 1


def test_a_server_added_under_the_name_of_an_offer_takes_its_card_away(catalogue):
    catalogue.add_offers([NOTION], at=NOW)
    start = catalogue.generation()
    catalogue.add_server(ServerSpec(name="notion", transport=Stdio(command="x")), origin="added")
    assert catalogue.card_fingerprints() == {}
    assert catalogue.generation() == start + 1


def test_an_offer_whose_tools_came_from_a_file_can_be_enabled(catalogue):
    catalogue.load_definitions([ToolSpec(server="notion", name="query")], origin="tools.jsonl", at=NOW)
    catalogue.add_offers([NOTION], at=NOW)
    assert catalogue.card_fingerprints() == {}
    catalogue.enable_offer("notion", at=NOW)
    record = catalogue.server("notion")
    assert (record.status, record.tools, record.stale_since) == (ServerStatus.STALE, 1, NOW)


def test_many_offers_are_read_page_by_page(catalogue):
    offers = [Offer(card=ServerCard(name=f"server-{number:04}"), source="crawl") for number in range(2100)]
    catalogue.add_offers(offers, at=NOW)
    assert list(catalogue.offers()) == offers
    assert len(catalogue.cards(offer.name for offer in offers)) == 2100
