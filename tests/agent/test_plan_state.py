"""Where a run stands in its plans, folded from its events."""

from agent import event as kinds
from agent.call import Call, Outcome
from agent.event import Event, PlannedCall, decode, encode
from agent.plan import Mark, key_of
from agent.plan_state import NONE, UNDO, PlanState, plan_after

_LIST = PlannedCall(tool_id="box/list", arguments={})
_READ = PlannedCall(tool_id="box/read", arguments={"path": "a"})
_WAIT = PlannedCall(tool_id="box/wait", arguments={})
_L, _R, _W = map(key_of, (_LIST, _READ, _WAIT))


def _folded(*events: Event) -> PlanState:
    state: PlanState | None = None
    for event in events:
        state = plan_after(state, decode(encode(event)))
    assert state is not None
    return state


def _made(*plans: tuple[PlannedCall, ...]) -> kinds.PlanMade:
    return kinds.PlanMade(plans=plans, sampled=len(plans))


def _done(*path: str, id_: str = "c1", outcome: Outcome = Outcome.SUCCEEDED) -> list[Event]:
    call = Call(id=id_, tool_id="box/any", arguments={}, node=path)
    return [
        kinds.Decided(path=path, by="single"),
        kinds.Acting(calls=(call,)),
        kinds.CallSettled(call_id=id_, outcome=outcome),
    ]


def test_nothing_is_known_before_a_plan_is_made() -> None:
    assert plan_after(None, kinds.Noted(text="hello")) is None


def test_a_success_clears_what_went_wrong_before_it() -> None:
    failed = kinds.NodeFailed(path=(_W,), error="no")
    state = _folded(_made((_LIST,), (_WAIT,)), failed)
    assert state.errors == (f"{_W}: no",)
    assert _folded(_made((_LIST,), (_WAIT,)), failed, *_done(_L)).errors == ()


def test_none_closes_what_was_open_and_new_plans_go_on_from_there() -> None:
    events = [_made((_LIST, _READ), (_LIST, _WAIT)), *_done(_L), kinds.Decided(path=(_L, NONE), by="votes")]
    state = _folded(*events)
    assert state.none
    assert state.at == (_L,)
    assert state.here.open_children == ()
    again = _folded(*events, _made((_WAIT,)))
    assert [child.key for child in again.here.open_children] == [_W]
    assert not again.none


def test_a_step_that_was_taken_back_is_no_part_of_the_history() -> None:
    undo = Call(id="c2", tool_id="box/undo", arguments={}, node=(_L, UNDO))
    events = [_made((_LIST, _READ), (_WAIT,)), *_done(_L), kinds.Acting(calls=(undo,))]
    state = _folded(*events, kinds.CallSettled(call_id="c2", outcome=Outcome.SUCCEEDED))
    assert state.at == ()
    node = state.tree.node((_L,))
    assert node is not None
    assert node.mark is Mark.ABANDONED
    stuck = _folded(*events, kinds.CallSettled(call_id="c2", outcome=Outcome.FAILED))
    assert (stuck.at, stuck.stuck) == ((_L,), ((_L,),))


def test_a_fork_decides_anew_what_was_decided_and_not_done() -> None:
    call = Call(id="c2", tool_id="box/read", arguments={}, node=(_L, _R))
    events = [_made((_LIST, _READ), (_LIST, _WAIT)), *_done(_L), kinds.Decided(path=(_L, _R), by="votes")]
    fork = kinds.Forked(parent="r", at=5)
    for before in (events, [*events, kinds.Acting(calls=(call,))]):
        state = _folded(*before, fork)
        assert state.at == (_L,)
        assert [child.key for child in state.here.open_children] == [_R, _W]
        assert all(not child.call_id for child in state.here.open_children)


def test_a_call_that_a_person_lets_run_again_takes_the_place_of_the_lost_one() -> None:
    again = Call(id="c1+1", tool_id="box/any", arguments={}, node=(_L,))
    state = _folded(
        _made((_LIST,)),
        *_done(_L, outcome=Outcome.UNKNOWN),
        kinds.CallSettled(call_id="c1", outcome=Outcome.FAILED, by="ada"),
        kinds.Acting(calls=(again,)),
        kinds.CallSettled(call_id="c1+1", outcome=Outcome.SUCCEEDED),
    )
    assert (state.here.call_id, state.here.outcome) == ("c1+1", Outcome.SUCCEEDED)


def test_an_approval_without_hashes_covers_what_was_shown() -> None:
    asked = kinds.ReviewAsked(summary="a tree", hashes=("h1", "h2", "h2"))
    state = _folded(_made((_LIST,)), asked)
    assert state.awaits_review
    approved = _folded(_made((_LIST,)), asked, kinds.PlanApproved(by="ada"))
    assert (approved.awaits_review, approved.reviewed, approved.approved) == (False, True, ("h1", "h2", "h2"))


def test_what_a_person_refused_is_open_no_more() -> None:
    state = _folded(_made((_LIST,)), kinds.ReviewAsked(summary=""), kinds.PlanRefused(by="ada", reason="no lists"))
    assert state.refusal
    assert state.refused == ("no lists",)
    assert state.here.open_children == ()
