from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrieval.alike import alike, alternatives, plain_name
from retrieval.embedding import Vectors
from retrieval.testing import HashEmbedder

EMBEDDER = HashEmbedder()


def vectors_of(*texts: str) -> Vectors:
    return EMBEDDER.embed(texts)


def test_a_fork_is_the_same_tool_and_the_better_placed_of_them_stands_for_both() -> None:
    vectors = vectors_of("list the files of a folder", "list the files of a folder", "send a mail")
    assert alike(["list_files", "listFiles", "send"], vectors, [2, 1, 0]) == [1, 1, 2]


def test_tools_of_one_name_that_do_different_things_stay_apart() -> None:
    vectors = vectors_of("search the web with an engine", "look for a song by its artist")
    assert alike(["search", "search"], vectors, [0, 1]) == [0, 1]


def test_tools_with_the_same_text_and_different_names_stay_apart() -> None:
    vectors = vectors_of("create an issue", "create an issue")
    assert alike(["create_issue", "delete_issue"], vectors, [0, 1]) == [0, 1]


def test_what_is_not_in_the_order_stands_for_itself() -> None:
    vectors = vectors_of("a", "a", "a")
    assert alike(["x", "x", "x"], vectors, [2, 1]) == [0, 2, 2]


def test_no_candidates_are_no_groups() -> None:
    assert alike([], np.empty((0, 4), np.float32), []) == []
    assert alternatives([], []) == {}


def test_the_others_of_a_group_are_listed_in_order_under_its_head() -> None:
    assert alternatives([1, 1, 2, 1], [2, 1, 3, 0]) == {2: [], 1: [3, 0]}


def test_a_name_is_the_same_however_it_is_written() -> None:
    assert plain_name("list-files") == plain_name("listFiles") == plain_name("List.Files") == "listfiles"
    assert plain_name("查询_天气") == "查询天气"
    assert plain_name("--") == "--"


@given(
    st.lists(st.tuples(st.sampled_from(["a", "A_", "b"]), st.sampled_from(["x y", "x z", "w"])), max_size=12),
    st.randoms(use_true_random=False),
)
def test_every_candidate_has_a_head_that_comes_no_later_and_stands_for_itself(
    candidates: list[tuple[str, str]], random: Random
) -> None:
    names = [name for name, _ in candidates]
    order = list(range(len(names)))
    random.shuffle(order)
    heads = alike(names, vectors_of(*(text for _, text in candidates)), order)
    place = {candidate: at for at, candidate in enumerate(order)}
    assert all(heads[head] == head and place[head] <= place[one] for one, head in enumerate(heads))
    grouped = alternatives(heads, order)
    assert sorted([*grouped, *(one for members in grouped.values() for one in members)]) == sorted(order)
    assert list(grouped) == sorted(grouped, key=place.__getitem__)
