"""`run_agent`, `resume_run` and `fork_run`, over the real graph."""

import asyncio
from typing import Any

import pytest

from agent import event as kinds
from agent.call import Call, Outcome
from agent.deps import Deps
from agent.errors import BadAgentSettings, LlmUnavailable, UnknownRun, WrongMoment
from agent.no_model import NoModel
from agent.options import Status
from agent.run import Drain, fork_run, resume_run, run_agent, run_view, state_of
from agent.state import fold


async def test_a_goal_is_pursued_step_by_step_until_the_model_answers(world: Any) -> None:
    world.will_call(world.look, text="milk")
    world.will_call(world.count)
    world.will_answer("one note about milk")
    run = await run_agent("What do the notes say of milk?", world.deps(), options=world.opts())
    assert (run.status, run.answer) == (Status.DONE, "one note about milk")
    assert [step.text for step in run.state.steps] == ["found milk", '{"count":0}']
    assert "found milk" in world.told
    assert run.state.usage.calls == 3


async def test_the_state_is_what_the_journal_says(world: Any) -> None:
    world.will_call(world.look, text="milk")
    world.will_answer()
    run = await run_agent("look", world.deps(), options=world.opts())
    recorded = await world.journal.events(run.id)
    assert fold(each.event for each in recorded) == run.state == await state_of(run.id, world.deps())
    assert [each.seq for each in recorded] == list(range(1, len(recorded) + 1))
    record = await world.journal.run(run.id)
    assert (record.goal, record.status, record.answer) == ("look", Status.DONE, "done")
    assert record.tokens == run.state.usage.tokens > 0


async def test_every_prompt_can_be_put_together_from_the_journal(world: Any) -> None:
    for number in range(4):
        world.will_call(world.look, text=str(number))
    world.will_answer()
    run = await run_agent("look", world.deps(), options=world.opts())
    calls = [each.event for each in await world.journal.events(run.id) if isinstance(each.event, kinds.Sampled)]
    prompts: list[Any] = []
    for each in calls:
        shared = prompts[each.base][: each.keep] if each.base is not None else ()
        prompts.append((*shared, *each.messages))
    assert prompts == [messages for messages, _ in world.llm.asked]
    assert all(len(each.messages) <= 3 for each in calls[1:]), "only what is new is stored"


async def test_calls_of_one_step_are_made_side_by_side(world: Any) -> None:
    at_once, most = 0, 0

    async def slowly(tool: Any, arguments: Any, *, key: str, timeout_s: float | None) -> Any:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        for _ in range(20):
            await asyncio.sleep(0)
        at_once -= 1
        return await type(world.toolbox).call(world.toolbox, tool, arguments, key=key, timeout_s=timeout_s)

    world.toolbox.call = slowly
    run = await run_agent("go", _planned(world, [(world.look, {"text": "a"}), (world.count, {})]), options=world.opts())
    assert run.status is Status.DONE
    assert most == 2


async def test_a_tool_that_fails_is_told_to_the_model_and_ends_nothing(world: Any) -> None:
    world.will_call(world.write, text="x")
    world.will_answer("could not")
    world.on_write = lambda text: 1 / 0
    run = await run_agent("write", world.deps(), options=world.opts(approve="all"))
    assert run.status is Status.DONE
    assert run.state.steps[0].outcome is Outcome.FAILED
    assert "ZeroDivisionError" in world.told


async def test_a_wrong_action_is_told_once_and_mended(world: Any) -> None:
    world.will_call("notes/loook", text="milk")
    world.will_call(world.look, text="milk")
    world.will_answer()
    run = await run_agent("look", world.deps(), options=world.opts())
    assert run.status is Status.DONE
    assert "there is no tool 'notes/loook'" in "\n".join(m.content for m in world.llm.asked[1][0])


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        ({"max_steps": 2}, Status.OUT_OF_STEPS),
        ({"max_tokens": 400}, Status.OUT_OF_TOKENS),
        ({"max_seconds": 0.0}, Status.OUT_OF_TIME),
    ],
)
async def test_a_spent_budget_is_a_status_that_says_which(world: Any, limits: dict[str, Any], status: Status) -> None:
    for number in range(50):
        world.will_call(world.look, text=str(number))
    run = await run_agent("look for ever", world.deps(), options=world.opts(**limits))
    assert run.status is status
    assert run.state.reason
    assert run_view(run)["status"] == status.value


async def test_a_model_that_hangs_ends_with_the_runs_time(world: Any) -> None:
    world.hang()
    run = await run_agent("wait", world.deps(), options=world.opts(max_seconds=0.05))
    assert run.status is Status.OUT_OF_TIME
    assert "did not answer" in run.state.reason


async def test_a_run_whose_model_was_away_goes_on_when_it_is_back(world: Any) -> None:
    world.will_call(world.look, text="milk")

    class GoesAway(NoModel):
        async def sample(self, messages: Any, ask: Any, *, on_text: Any = None) -> Any:
            if world.says:
                return await world.llm.sample(messages, ask, on_text=on_text)
            return await super().sample(messages, ask, on_text=on_text)

    with pytest.raises(LlmUnavailable):
        await run_agent("look", world.deps(llm=GoesAway()), options=world.opts(), run_id="r1")
    assert (await world.journal.run("r1")).status is Status.INTERRUPTED
    world.will_answer("milk")
    run = await resume_run("r1", world.deps())
    assert run.answer == "milk"
    assert [tool for tool, _, _ in world.toolbox.calls] == [world.look], "what was done is not done again"


async def test_a_drained_run_stops_after_its_step_and_goes_on_later(world: Any) -> None:
    drain = Drain()
    world.will_call(world.write, text="a")
    world.will_call(world.write, text="b")
    world.will_answer()
    world.on_write = lambda text: drain.request() if text == "a" else None
    run = await run_agent("write twice", world.deps(), options=world.opts(approve="all"), drain=drain)
    assert run.status is Status.INTERRUPTED
    assert world.notes == ["a"]
    run = await resume_run(run.id, world.deps())
    assert run.status is Status.DONE
    assert world.notes == ["a", "b"]


async def test_a_cancelled_run_can_be_resumed(world: Any) -> None:
    sample = world.llm.sample
    started = world.hang()
    task = asyncio.create_task(run_agent("go", world.deps(), options=world.opts(), run_id="r1"))
    await asyncio.wait_for(started.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await world.journal.run("r1")).status is Status.INTERRUPTED
    world.llm.sample = sample
    world.will_answer("back")
    assert (await resume_run("r1", world.deps())).answer == "back"


async def test_a_fork_goes_another_way_from_an_earlier_event(world: Any) -> None:
    world.will_call(world.look, text="milk")
    world.will_call(world.look, text="bread")
    world.will_answer("first")
    run = await run_agent("look", world.deps(), options=world.opts())
    settled = [each.seq for each in await world.journal.events(run.id) if isinstance(each.event, kinds.CallSettled)]
    world.will_answer("second")
    forked = await fork_run(run.id, world.deps(), at=settled[0])
    ended = await resume_run(forked, world.deps())
    assert ended.answer == "second"
    assert [step.text for step in ended.state.steps] == ["found milk"]
    assert (await world.journal.run(forked)).parent == run.id
    assert (await state_of(run.id, world.deps())).answer == "first", "the parent is as it was"


async def test_what_cannot_be_done_to_a_run_is_said(world: Any) -> None:
    world.will_answer()
    run = await run_agent("go", world.deps(), options=world.opts())
    with pytest.raises(WrongMoment, match="has ended"):
        await resume_run(run.id, world.deps())
    with pytest.raises(WrongMoment, match="already"):
        await run_agent("go", world.deps(), run_id=run.id)
    with pytest.raises(UnknownRun, match="runs list"):
        await resume_run("nothing", world.deps())
    with pytest.raises(BadAgentSettings, match="events 1 to"):
        await fork_run(run.id, world.deps(), at=999)
    with pytest.raises(BadAgentSettings, match="empty"):
        await run_agent("  ", world.deps())


def _planned(world: Any, calls: list[tuple[str, dict[str, Any]]]) -> Deps:
    """Deps whose planner makes these calls in one step, and then is done."""
    from agent.planner import Act, Finish
    from agent.strategies import Strategies, by_name

    class AllAtOnce:
        async def next(self, context: Any) -> Any:
            if context.state.steps:
                return Finish("done")
            return Act(tuple(Call(id=f"c{n}", tool_id=tool, arguments=given) for n, (tool, given) in enumerate(calls)))

    def choose(options: Any, llm: Any) -> Strategies:
        usual = by_name(options, llm)
        return Strategies(planner=AllAtOnce(), equipment=usual.equipment, memory=usual.memory, llm=llm)

    return world.deps(choose=choose)
