"""The prefix tree of a group."""

from itertools import takewhile

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from rl_trainer.turn_tree import ROOT, token_tree, tree_of, turn_tree
from tests.rl_trainer.credit.conftest import a_group, alone, few, groups, with_turns

WORDS = st.lists(st.text("abc", max_size=5), min_size=1, max_size=6)


def test_runs_share_a_node_as_long_as_they_are_the_same() -> None:
    tree = tree_of(["ab", "ac", "b"])
    assert [(node.depth, node.members) for node in tree.nodes] == [
        (0, (0, 1, 2)),
        (1, (0, 1)),
        (2, (0,)),
        (2, (1,)),
        (1, (2,)),
    ]
    assert tree.paths == ((1, 2), (1, 3), (4,))
    assert tree.shared(0, 0) == 2


@few
@given(WORDS)
def test_two_members_share_exactly_their_common_prefix(words: list[str]) -> None:
    tree = tree_of(words)
    for one, path in zip(words, tree.paths, strict=True):
        for other, others in zip(words, tree.paths, strict=True):
            common = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))))
            assert len([node for node in path if node in others]) == common


@few
@given(WORDS)
def test_members_of_a_node_are_those_of_its_children_and_those_who_end_there(words: list[str]) -> None:
    tree = tree_of(words)
    for place, node in enumerate(tree.nodes):
        below = [member for child in tree.nodes if child.parent == place for member in child.members]
        ended = [member for member, path in enumerate(tree.paths) if (path[-1] if path else ROOT) == place]
        assert sorted(below + ended) == list(node.members)
        assert node.parent < place


def test_an_action_counts_as_the_same_whatever_was_thought_with_it() -> None:
    group = a_group(["ab", "ac"], [0, 1])
    other = with_turns(group, 1, completion=[(5, 6, 7), (8,)], logprobs=[(0.0,) * 3, (0.0,)], entropies=[(), ()])
    assert turn_tree(other, "action").shared(0, 0) == 2
    assert turn_tree(other, "turn").shared(0, 0) == 1


def test_the_same_action_after_another_observation_is_another_step() -> None:
    group = a_group(["ab", "ab"], [0, 1])
    runs = group.trajectories
    other = msgspec.structs.replace(runs[1], observations=("saw something else", ""))
    tree = turn_tree(msgspec.structs.replace(group, trajectories=(runs[0], other)))
    assert [tree.shared(0, 0), tree.shared(0, 1)] == [2, 1]


@few
@given(groups())
def test_turns_that_were_written_alike_are_shared_by_as_many_as_their_last_token(group) -> None:
    turns, tokens = turn_tree(group, "turn"), token_tree(group)
    for member, run in enumerate(group.trajectories):
        for place in range(len(run.turns)):
            path = tokens.paths[member][place]
            assert len(path) == len(run.turns[place].completion) + 1
            assert len(tokens.members[path[-1]]) == turns.shared(member, place)


@few
@given(groups())
def test_runs_with_nothing_in_common_share_nothing_but_the_root(group) -> None:
    apart = alone(group)
    assert all(len(node.members) == 1 for node in turn_tree(apart).nodes[1:])
    tokens = token_tree(apart)
    task = {int(run[0][0]) for run in tokens.paths}
    assert len(task) == 1
    assert all(len(members) == 1 for place, members in enumerate(tokens.members) if place not in task)


@few
@given(groups())
def test_it_is_the_same_tree_whether_or_not_turns_say_what_they_go_on_from(group) -> None:
    orphaned = group
    for member in range(len(group.trajectories)):
        orphaned = with_turns(orphaned, member, parent=[-1] * 9)
    assert turn_tree(orphaned, "turn") == turn_tree(group, "turn")
    assert token_tree(orphaned).members == token_tree(group).members
