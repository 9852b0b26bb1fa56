"""A choice among plans that a tool's text may have swayed leaves a mark on what only that choice leads to."""

from agent.event import PlannedCall
from agent.plan import PlanTree, key_of

READ, WRITE, MAIL, LOOK = (PlannedCall(tool_id=f"s/{name}", arguments={}) for name in ("read", "write", "mail", "look"))


def _untrusted(tree: PlanTree, *steps: PlannedCall) -> bool:
    node = tree.node(tuple(key_of(step) for step in steps))
    assert node is not None
    return node.untrusted


def test_what_only_the_chosen_way_has_is_untrusted_and_all_below_it() -> None:
    tree = PlanTree().graft([[READ, WRITE, MAIL], [READ, LOOK]])
    tree = tree.doubted((key_of(READ), key_of(WRITE)))
    assert _untrusted(tree, READ, WRITE)
    assert _untrusted(tree, READ, WRITE, MAIL)
    assert not _untrusted(tree, READ)
    assert not _untrusted(tree, READ, LOOK)


def test_a_step_that_every_way_has_was_not_chosen_by_anybodys_text() -> None:
    tree = PlanTree().graft([[LOOK, WRITE], [READ, WRITE]]).doubted((key_of(READ),))
    assert _untrusted(tree, READ)
    assert not _untrusted(tree, READ, WRITE)


def test_going_on_rather_than_ending_leaves_no_mark() -> None:
    tree = PlanTree().graft([[READ], [READ, WRITE]]).doubted((key_of(READ), key_of(WRITE)))
    assert not _untrusted(tree, READ, WRITE)
