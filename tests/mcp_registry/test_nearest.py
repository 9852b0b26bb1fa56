"""The names nearest to one that does not exist."""

import time

from hypothesis import given
from hypothesis import strategies as st

from mcp_registry.nearest import nearest_names, nearest_tools


def test_a_slip_finds_the_name_that_was_meant():
    assert nearest_names("gihtub", ["github", "gitlab", "notion"])[0] == "github"
    assert nearest_names("quite else", ["github", "gitlab"]) == []


def test_the_name_counts_more_than_the_server():
    ids = ["git/create_tag", "github/create_issue"]
    assert nearest_tools("git/create_isue", ids) == ["github/create_issue", "git/create_tag"]


def test_of_two_equal_names_the_one_of_the_nearer_server_comes_first():
    ids = ["zebra/read", "filesystem/read", "file/read"]
    assert nearest_tools("file_system/read", ids)[0] == "filesystem/read"


def test_case_does_not_matter_and_a_missing_server_is_no_obstacle():
    assert nearest_tools("GIT/LOG", ["git/log"]) == ["git/log"]
    assert nearest_tools("create_isue", ["github/create_issue", "x/y"]) == ["github/create_issue"]


def test_it_is_quick_among_many():
    ids = [f"server-{number % 2000}/tool_{number}_of_many" for number in range(21_300)]
    started = time.perf_counter()
    assert nearest_tools("server-77/tool_2077_of_mny", ids)[0] == "server-77/tool_2077_of_many"
    assert time.perf_counter() - started < 2  # a third of a tenth of it on an idle machine; difflib alone takes longer


@given(wanted=st.text(), ids=st.lists(st.text(), max_size=30), n=st.integers(0, 5))
def test_whatever_is_asked_the_answer_is_few_of_what_exists(wanted, ids, n):
    for found in (nearest_tools(wanted, ids, n), nearest_names(wanted, ids, n)):
        assert len(found) <= n
        assert set(found) <= set(ids)


@given(ids=st.lists(st.from_regex(r"[a-z]{1,8}/[a-z_]{1,12}", fullmatch=True), min_size=1, max_size=30))
def test_what_exists_is_nearest_to_itself(ids):
    assert nearest_tools(ids[0], ids, 1) == [ids[0]]
