"""What a person decides about a run, and that no side effect happens without, twice, or unseen."""

from typing import Any

import pytest

from agent import decisions
from agent import event as kinds
from agent.call import Call, Outcome
from agent.errors import WrongMoment
from agent.ledger import CallState
from agent.options import Status
from agent.run import resume_run, run_agent
from mcp_registry.policy import Decision
from mcp_registry.result import ToolResult


async def _waiting(world: Any, **changes: Any) -> Any:
    world.will_call(world.write, text="milk")
    run = await run_agent("note something", world.deps(), options=world.opts(**changes))
    assert run.status is Status.WAITING
    return run


async def _go_on(world: Any, run: Any, events: Any) -> Any:
    await world.journal.append(run.id, events)
    return await resume_run(run.id, world.deps())


async def test_a_write_waits_for_approval_and_is_made_once(world: Any) -> None:
    run = await _waiting(world)
    assert world.notes == []
    call_id = run.state.ledger.waiting[0].call.id
    assert "write" in run.state.reason
    world.will_answer()
    run = await _go_on(world, run, decisions.approve(run.state, call_id, by="me"))
    assert run.status is Status.DONE
    assert world.notes == ["milk"]
    assert world.toolbox.calls[0][2] == call_id, "the server is told the call's id"


async def test_resuming_without_a_decision_waits_on(world: Any) -> None:
    run = await _waiting(world)
    again = await resume_run(run.id, world.deps())
    assert again.status is Status.WAITING
    assert len(again.state.ledger.waiting) == 1
    asked = [each for each in await world.journal.events(run.id) if isinstance(each.event, kinds.ApprovalAsked)]
    assert len(asked) == 1
    assert world.notes == []


async def test_a_rejected_call_never_runs_and_the_model_is_told_why(world: Any) -> None:
    run = await _waiting(world)
    world.will_answer("not written")
    events = decisions.reject(run.state, run.state.ledger.waiting[0].call.id, by="me", reason="the file is needed")
    run = await _go_on(world, run, events)
    assert run.status is Status.DONE
    assert world.notes == []
    assert run.state.steps[0].outcome is Outcome.REFUSED
    assert "the file is needed" in world.told


async def test_a_call_is_made_as_a_person_has_edited_it(world: Any) -> None:
    run = await _waiting(world)
    world.will_answer()
    call_id = run.state.ledger.waiting[0].call.id
    run = await _go_on(world, run, decisions.approve(run.state, call_id, by="me", arguments={"text": "bread"}))
    assert world.notes == ["bread"]
    assert run.state.steps[0].call.arguments == {"text": "bread"}


async def test_an_approval_does_not_hold_for_a_tool_that_has_changed_since(world: Any) -> None:
    from dataclasses import replace

    run = await _waiting(world)
    tools = world.toolbox._tools
    tool, function = tools[world.write]
    tools[world.write] = (replace(tool, description="Write a note and mail it to everyone"), function)
    run = await _go_on(world, run, decisions.approve(run.state, run.state.ledger.waiting[0].call.id, by="me"))
    assert run.status is Status.WAITING
    assert world.notes == []


async def test_what_the_policy_denies_is_refused_whoever_approves(world: Any) -> None:
    world.toolbox.decisions[world.write] = Decision.DENY
    world.will_call(world.write, text="milk")
    world.will_answer()
    run = await run_agent("note", world.deps(), options=world.opts(approve="all"))
    assert run.status is Status.DONE
    assert run.state.steps[0].outcome is Outcome.REFUSED
    assert world.notes == []


async def test_a_write_with_an_unknown_outcome_waits_for_a_person_and_is_not_repeated(world: Any) -> None:
    world.on_write = lambda text: ToolResult.error("the connection broke", unknown=True)
    run = await _waiting(world)
    run = await _go_on(world, run, decisions.approve(run.state, run.state.ledger.waiting[0].call.id, by="me"))
    assert run.status is Status.WAITING
    assert "what became of" in run.state.reason
    assert world.notes == ["milk"]
    [row] = run.state.ledger.in_state(CallState.UNKNOWN)
    world.will_answer()
    run = await _go_on(world, run, decisions.settle_unknown(run.state, row.call.id, "succeeded", by="me"))
    assert run.status is Status.DONE
    assert world.notes == ["milk"]
    assert run.state.steps[0].outcome is Outcome.SUCCEEDED


async def test_a_person_who_has_looked_can_have_it_called_again(world: Any) -> None:
    world.on_write = lambda text: (
        ToolResult.error("broke", unknown=True) if len(world.notes) == 1 else "written at last"
    )
    run = await _waiting(world)
    run = await _go_on(world, run, decisions.approve(run.state, run.state.ledger.waiting[0].call.id, by="me"))
    [row] = run.state.ledger.in_state(CallState.UNKNOWN)
    world.will_answer()
    run = await _go_on(world, run, decisions.settle_unknown(run.state, row.call.id, "retry", by="me"))
    assert world.notes == ["milk", "milk"]
    assert run.status is Status.DONE


async def test_with_nobody_to_ask_the_model_is_told_that_the_outcome_is_unknown(world: Any) -> None:
    world.on_write = lambda text: ToolResult.error("the connection broke", unknown=True)
    world.will_call(world.write, text="milk")
    world.will_answer()
    run = await run_agent("note", world.deps(), options=world.opts(approve="all"))
    assert run.status is Status.DONE
    assert "nobody knows whether it ran" in world.told
    assert run.state.ledger.in_state(CallState.UNKNOWN)


@pytest.mark.parametrize(("tool", "made"), [("write", 0), ("look", 1)])
async def test_a_call_that_was_sent_before_a_crash_is_repeated_only_if_that_does_no_harm(
    world: Any, tool: str, made: int
) -> None:
    tool_id = getattr(world, tool)
    events = [
        kinds.RunStarted(goal="go", options=world.opts(approve="all")),
        kinds.Acting(calls=(Call(id="c1", tool_id=tool_id, arguments={"text": "milk"}),)),
        kinds.CallStarted(call_id="c1", hash="h"),
    ]
    await world.journal.append("r1", events)
    world.will_answer()
    run = await resume_run("r1", world.deps())
    assert len(world.toolbox.calls) == made
    assert run.state.steps[0].outcome is (Outcome.SUCCEEDED if made else Outcome.UNKNOWN)


async def test_a_call_that_was_decided_and_not_sent_before_a_crash_is_made(world: Any) -> None:
    call = Call(id="c1", tool_id=world.write, arguments={"text": "milk"})
    started = kinds.RunStarted(goal="go", options=world.opts(approve="all"))
    await world.journal.append("r1", [started, kinds.Acting(calls=(call,))])
    world.will_answer()
    run = await resume_run("r1", world.deps())
    assert world.notes == ["milk"]
    assert run.status is Status.DONE


async def test_what_nobody_asked_for_cannot_be_approved(world: Any) -> None:
    run = await _waiting(world)
    waiting = run.state.ledger.waiting[0].call.id
    with pytest.raises(WrongMoment, match=waiting):
        decisions.approve(run.state, "another", by="me")
    with pytest.raises(WrongMoment, match="not unknown"):
        decisions.settle_unknown(run.state, waiting, "succeeded", by="me")
    with pytest.raises(WrongMoment, match="no plan"):
        decisions.approve_plan(run.state, by="me")


async def test_a_fork_neither_asks_for_nor_sends_what_its_parent_had_only_decided(world: Any) -> None:
    from agent.run import fork_run

    run = await _waiting(world)
    world.will_answer("another way")
    forked = await resume_run(await fork_run(run.id, world.deps()), world.deps())
    assert forked.answer == "another way"
    assert forked.state.ledger.waiting == []
    assert world.notes == []


async def test_what_its_parent_had_sent_and_not_heard_of_is_unknown_to_a_fork(world: Any) -> None:
    from agent.run import fork_run

    call = Call(id="c1", tool_id=world.write, arguments={"text": "milk"})
    started = [kinds.RunStarted(goal="go", options=world.opts()), kinds.Acting(calls=(call,))]
    await world.journal.append("r1", [*started, kinds.CallStarted(call_id="c1", hash="h")])
    forked = await resume_run(await fork_run("r1", world.deps()), world.deps())
    assert forked.status is Status.WAITING
    assert "what became of" in forked.state.reason
    world.will_answer()
    forked = await _go_on(world, forked, decisions.settle_unknown(forked.state, "c1", "failed", by="me"))
    assert forked.status is Status.DONE
    assert world.notes == []
