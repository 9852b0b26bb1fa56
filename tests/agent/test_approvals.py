"""Whether a call may be made: the policy, the run's own rule, taint, and what a person has approved."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.approvals import Denied, needed
from agent.call import Call, Outcome, action_hash
from agent.event import (
    Acting,
    ApprovalGiven,
    CallSettled,
    CallStarted,
    Event,
    PlanApproved,
    PlanMade,
    PlannedCall,
    RunStarted,
)
from agent.options import Options
from agent.state import RunState, fold
from mcp_registry.policy import Decision
from retrieval.tool import ToolSpec

PAY = ToolSpec(server="bank", name="pay")
LOOK = ToolSpec(server="bank", name="look", annotations={"readOnlyHint": True, "openWorldHint": False})
TO_ANN: dict[str, Any] = {"to": "ann", "euros": 5}


def pay(arguments: dict[str, Any] = TO_ANN, **more: Any) -> Call:
    return Call(id=more.pop("id", "c1"), tool_id="bank/pay", arguments=arguments, **more)


def state(*events: Event, goal: str = "settle it", **options: Any) -> RunState:
    return fold([RunStarted(goal=goal, options=Options(**options)), *events])


def decided(tool: ToolSpec, call: Call, decision: Decision = Decision.ALLOW, **options: Any) -> tuple[str, ...]:
    told = needed(call, tool, state(**options), decision)
    assert not isinstance(told, Denied)
    return told


@pytest.mark.parametrize(
    ("approve", "write", "asked", "tainted", "read"),
    [("ask", True, True, True, False), ("untainted", False, True, True, False), ("all", False, False, False, False)],
)
def test_who_is_asked_goes_by_the_run(approve: Any, write: bool, asked: bool, tainted: bool, read: bool) -> None:
    look = Call(id="c1", tool_id="bank/look", arguments={}, untrusted_prompt=True)
    assert bool(decided(PAY, pay(), approve=approve)) is write
    assert bool(decided(LOOK, look, Decision.ASK, approve=approve)) is asked
    assert bool(decided(PAY, pay(untrusted_prompt=True), approve=approve)) is tainted
    assert bool(decided(LOOK, look, approve=approve)) is read


@pytest.mark.parametrize("approve", ["ask", "untainted", "all"])
def test_what_the_policy_denies_nobody_can_approve(approve: Any) -> None:
    given = ApprovalGiven(call_id="c1", hash=action_hash(PAY.fingerprint, TO_ANN), by="me")
    now = state(Acting(calls=(pay(),)), given, approve=approve)
    assert isinstance(needed(pay(), PAY, now, Decision.DENY), Denied)


def test_the_reasons_say_what_it_does() -> None:
    assert decided(PAY, pay()) == ("it may change or destroy something",)
    harmless = replace(PAY, annotations={"destructiveHint": False})
    assert decided(harmless, pay()) == ("it may change something",)
    assert needed(pay(), PAY, state(), Decision.ALLOW, read_only=True) == ()


def approved(call: Call, hash_: str, **more: Any) -> RunState:
    return state(Acting(calls=(call,)), ApprovalGiven(call_id=call.id, hash=hash_, by="me", **more))


def test_an_approval_holds_for_this_tool_with_these_arguments() -> None:
    now = approved(pay(), action_hash(PAY.fingerprint, TO_ANN))
    assert needed(pay(untrusted_prompt=True), PAY, now, Decision.ASK) == ()
    assert needed(pay({"to": "eve", "euros": 5}), PAY, now, Decision.ALLOW)
    assert needed(pay(id="c2"), PAY, now, Decision.ALLOW)
    assert needed(pay(), replace(PAY, description="Pays twice."), now, Decision.ALLOW)


def test_the_order_of_arguments_makes_no_difference() -> None:
    now = approved(pay(), action_hash(PAY.fingerprint, dict(reversed(TO_ANN.items()))))
    assert needed(pay(), PAY, now, Decision.ALLOW) == ()


def test_an_edited_call_is_approved_as_it_was_edited() -> None:
    less = {"to": "ann", "euros": 1}
    now = approved(pay(), action_hash(PAY.fingerprint, less), arguments=less)
    [call] = now.pending
    assert call.arguments == less
    assert needed(call, PAY, now, Decision.ALLOW) == ()
    assert needed(pay(), PAY, now, Decision.ALLOW)


def in_plan(id_: str, **more: Any) -> Call:
    return pay(id=id_, node=("bank/pay",), **more)


def approved_plan() -> list[Event]:
    made = PlanMade(plans=((PlannedCall(tool_id="bank/pay", arguments=TO_ANN),),), sampled=1)
    return [made, PlanApproved(by="me", hashes=(action_hash(PAY.fingerprint, TO_ANN),))]


def ran(call: Call, outcome: Outcome = Outcome.SUCCEEDED) -> list[Event]:
    return [
        Acting(calls=(call,)),
        CallStarted(call_id=call.id, hash="h"),
        CallSettled(call_id=call.id, outcome=outcome),
    ]


def test_an_approved_plan_covers_each_of_its_calls_once() -> None:
    plan = approved_plan()
    first = in_plan("c1")
    assert needed(first, PAY, state(*plan, Acting(calls=(first,))), Decision.ALLOW) == ()
    assert needed(pay(), PAY, state(*plan, Acting(calls=(pay(),))), Decision.ALLOW), "not a step of the plan"
    assert needed(in_plan("c2"), PAY, state(*plan, *ran(first)), Decision.ALLOW), "a second time"
    assert needed(in_plan("c2"), PAY, state(*plan, *ran(first, Outcome.FAILED)), Decision.ALLOW) == ()
    assert needed(in_plan("c1"), replace(PAY, title="New"), state(*plan), Decision.ALLOW)


def test_calls_that_are_decided_together_do_not_share_one_approval() -> None:
    both = state(*approved_plan(), Acting(calls=(in_plan("c1"), in_plan("c2"))))
    assert needed(in_plan("c1"), PAY, both, Decision.ALLOW) == ()
    assert needed(in_plan("c2"), PAY, both, Decision.ALLOW)


@given(
    st.sampled_from(["ask", "untainted", "all"]),
    st.sampled_from(Decision),
    st.booleans(),
    st.booleans(),
    st.dictionaries(st.sampled_from(["readOnlyHint", "destructiveHint", "openWorldHint"]), st.booleans()),
)
def test_stricter_is_never_laxer(
    approve: Any, decision: Decision, untrusted: bool, read_only: bool, hints: dict[str, bool]
) -> None:
    tool = replace(PAY, annotations=hints)
    call = pay(untrusted_prompt=untrusted)
    orders = ["all", "untainted", "ask"]
    told = [needed(call, tool, state(approve=each), decision, read_only=read_only) for each in orders]
    if decision is Decision.DENY:
        assert all(isinstance(each, Denied) for each in told)
    else:
        assert told[0] == ()
        assert set(told[1]) <= set(told[2])
    assert needed(call, tool, state(approve=approve), decision, read_only=read_only) == told[orders.index(approve)]
