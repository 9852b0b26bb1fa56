"""A plan tree that a person looks at before anything of it runs."""

from agent import decisions
from agent.llm import Purpose
from agent.options import Status
from tests.agent.planners.conftest import Model, Ran, Tools, plan, ran

WRITE = ("write", {"path": "c.txt", "text": "x"})
COPY = ("write", {"path": "c.txt", "text": "$1.text"})
READ_A = ("read", {"path": "a.txt"})
READ_B = ("read", {"path": "b.txt"})


async def _decided(before: Ran, model: Model, box: Tools, *, yes: bool, reason: str = "") -> Ran:
    events = (
        decisions.approve_plan(before.state, by="ada")
        if yes
        else decisions.refuse_plan(before.state, by="ada", reason=reason)
    )
    return await ran(model, box, before=[*before.events, *events], approve_plan=True, approve="ask")


async def test_nothing_runs_before_the_plan_is_approved(box: Tools) -> None:
    model = Model(plans=[[plan(READ_A, WRITE)]])
    waiting = await ran(model, box, approve_plan=True, approve="ask")
    assert waiting.called == []
    assert waiting.state.plan is not None
    assert waiting.state.plan.awaits_review
    assert waiting.state.plan.review is not None
    assert 'box/write {"path":"c.txt"' in waiting.state.plan.review.summary
    done = await _decided(waiting, model, box, yes=True)
    assert done.called == ["read a.txt", "write c.txt x"], "the write was approved with the plan"
    assert done.state.status is Status.DONE


async def test_an_approval_covers_a_call_as_often_as_one_way_makes_it(box: Tools) -> None:
    plans = [plan(WRITE, READ_A, WRITE), plan(WRITE, READ_B)]
    waiting = await ran(Model(plans=[plans]), box, approve_plan=True, approve="ask")
    assert waiting.state.plan is not None
    assert waiting.state.plan.review is not None
    hashes = waiting.state.plan.review.hashes
    assert sorted(hashes.count(each) for each in set(hashes)) == [1, 1, 2]


async def test_a_call_that_is_not_whole_yet_is_not_covered(box: Tools) -> None:
    waiting = await ran(Model(plans=[[plan(READ_A, COPY)]]), box, approve_plan=True, approve="ask")
    assert waiting.state.plan is not None
    assert waiting.state.plan.review is not None
    assert len(waiting.state.plan.review.hashes) == 1


async def test_a_refused_plan_is_made_anew_with_the_reason_in_view(box: Tools) -> None:
    model = Model(plans=[[plan(READ_A, WRITE)], [plan(READ_A, READ_B)]])
    waiting = await ran(model, box, approve_plan=True, approve="ask")
    again = await _decided(waiting, model, box, yes=False, reason="write nothing")
    assert again.called == []
    assert "A person has refused the last plan: write nothing" in again.prompts(Purpose.PLAN)[0]
    done = await _decided(again, model, box, yes=True)
    assert done.called == ["read a.txt", "read b.txt"]


async def test_a_second_refusal_ends_the_run(box: Tools) -> None:
    model = Model(plans=[[plan(READ_A)], [plan(READ_B)]])
    waiting = await ran(model, box, approve_plan=True)
    again = await _decided(waiting, model, box, yes=False, reason="not that")
    done = await _decided(again, model, box, yes=False, reason="nor that")
    assert done.state.status is Status.GAVE_UP
    assert "not that; nor that" in done.state.reason
    assert done.called == []
