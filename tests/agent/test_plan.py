"""The plan tree: pure, so that hypothesis may plan as it likes."""

from hypothesis import given
from hypothesis import strategies as st

from agent.event import PlannedCall
from agent.plan import END, Mark, Path, PlanTree, key_of, path_of

Plans = list[list[PlannedCall]]

_actions = st.builds(
    PlannedCall,
    tool_id=st.sampled_from(["box/list", "box/read", "box/send"]),
    arguments=st.dictionaries(st.sampled_from(["path", "to"]), st.sampled_from(["a", "b", 1, "$1.x"]), max_size=2),
)
_plans = st.lists(st.lists(_actions, max_size=4), max_size=6)


def _actions_of(tree: PlanTree) -> set[Path]:
    return set(tree.paths())


def _shape(tree: PlanTree) -> set[tuple[Path, int, Mark]]:
    """All that matters of a tree but the order of its children."""
    found: set[tuple[Path, int, Mark]] = set()
    rest: list[Path] = [()]
    while rest:
        path = rest.pop()
        node = tree.node(path)
        assert node is not None
        found.add((path, node.plans, node.mark))
        rest += [(*path, child.key) for child in node.children]
    return found


@given(_plans)
def test_the_ways_through_the_tree_are_the_plans(plans: Plans) -> None:
    assert _actions_of(PlanTree().graft(plans)) == {path_of(plan) for plan in plans}


@given(_plans, st.randoms())
def test_the_order_of_the_plans_matters_only_to_the_order_of_children(plans: Plans, dice: st.DataObject) -> None:
    shuffled = list(plans)
    dice.shuffle(shuffled)
    assert _shape(PlanTree().graft(plans)) == _shape(PlanTree().graft(shuffled))


@given(_plans)
def test_as_many_plans_pass_a_node_as_were_sampled_through_it(plans: Plans) -> None:
    tree = PlanTree().graft(plans)
    for path, count, _ in _shape(tree) - {((), 0, Mark.OPEN)}:
        assert count == sum(path_of(plan)[: len(path)] == path for plan in plans)


@given(_plans, st.data())
def test_failing_takes_out_one_subtree_and_nothing_else(plans: Plans, data: st.DataObject) -> None:
    tree = PlanTree().graft(plans)
    places = sorted(path for path, _, _ in _shape(tree) if path)
    if not places:
        return
    failed = data.draw(st.sampled_from(places))
    after = tree.fail(failed, "it broke")
    assert _open_ways(after) == {way for way in _open_ways(tree) if way[: len(failed)] != failed}
    assert _open_ways(tree) == _actions_of(tree), "the tree before is untouched"


def _open_ways(tree: PlanTree, at: Path = ()) -> set[Path]:
    node = tree.node(at)
    assert node is not None
    if node.is_end:
        return {at}
    return {way for child in node.open_children for way in _open_ways(tree, (*at, child.key))}


@given(_plans, st.data())
def test_climbing_ends(plans: Plans, data: st.DataObject) -> None:
    """Failing and climbing at will comes to a place without a way on, in a few turns for each node."""
    tree, at = PlanTree().graft(plans), ()
    for _ in range(4 * len(_shape(tree)) + 1):
        children = tree.open_children(at)
        if children:
            at = (*at, data.draw(st.sampled_from([child.key for child in children])))
            if at[-1] == END or data.draw(st.booleans()):
                tree, at = tree.fail(at, "it broke"), at[:-1]
            continue
        target = tree.climb(at)
        if target is None:
            return
        tree, at = tree.abandon(at[: len(target) + 1]), target
    raise AssertionError("it climbs for ever")


@given(_plans, _plans)
def test_plans_grafted_at_a_place_go_on_from_there(plans: Plans, more: Plans) -> None:
    first = PlannedCall(tool_id="box/first", arguments={})
    at = (key_of(first),)
    tree = PlanTree().graft([[first, *plan] for plan in plans] or [[first]]).graft(more, at)
    assert {(*at, *path_of(plan)) for plan in more} <= _actions_of(tree)


def _call(tool_id: str, **arguments: object) -> PlannedCall:
    return PlannedCall(tool_id=tool_id, arguments=arguments)


def test_actions_that_mean_the_same_are_one_node() -> None:
    one = _call("box/send", path="$1.items.0['id']", to="x")
    other = _call("box/send", to="x", path="$1.items[0].id")
    assert key_of(one) == key_of(other) == 'box/send {"path":"$1.items[0].id","to":"x"}'
    assert len(PlanTree().graft([[one], [other]]).root.children) == 1


def test_what_was_abandoned_opens_again_only_along_a_new_plan() -> None:
    search, delete, archive = _call("box/search"), _call("box/delete"), _call("box/archive")
    tree = PlanTree().graft([[search, delete]]).abandon_below(())
    again = tree.graft([[search, archive]])
    assert [child.key for child in again.open_children((key_of(search),))] == [key_of(archive)]


def test_what_failed_stays_failed_under_a_new_plan() -> None:
    read, send = _call("box/read"), _call("box/send")
    tree = PlanTree().graft([[read]]).fail((key_of(read),), "no")
    assert tree.graft([[read, send]]).open_children(()) == ()
    failed = tree.fails_along([read, send])
    assert failed is not None
    assert failed.error == "no"


def test_a_node_sampled_before_any_tool_spoke_stays_trusted() -> None:
    tree = PlanTree().graft([[_call("box/read")]]).graft([[_call("box/read")], [_call("box/send")]], untrusted=True)
    assert [child.untrusted for child in tree.root.children] == [False, True]
