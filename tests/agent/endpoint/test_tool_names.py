"""Tool ids as endpoints take them."""

import re

from hypothesis import given
from hypothesis import strategies as st

from agent.endpoint.tool_names import ids_by_wire_name, wire_name

PARTS = st.text(st.sampled_from("ab_/-.é "), min_size=1, max_size=6)
IDS = st.builds(lambda server, name: f"{server.replace('/', '')}/{name}", PARTS, PARTS)


def test_a_plain_id_stays_readable_and_a_meta_tool_its_name() -> None:
    assert wire_name("git/git_log") == "git__git_log"
    assert wire_name("search_tools") == "search_tools"


def test_ids_that_would_meet_do_not() -> None:
    ids = ["a__b/c", "a/b__c", "a_/_b__c", "a/b/c", "a/b.c", "a/b_c", "x/" + "n" * 80, "x/" + "n" * 81]
    assert len(ids_by_wire_name(ids)) == len(ids)


@given(st.lists(IDS, unique=True))
def test_every_id_has_a_name_of_its_own_that_endpoints_take(ids: list[str]) -> None:
    names = ids_by_wire_name(ids)
    assert sorted(names.values()) == sorted(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)
