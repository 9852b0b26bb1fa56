"""Runs that a tool ends, words that the history keeps, and actions that are none."""

from typing import Any

from agent.options import Status
from agent.run import run_agent


async def test_a_tool_that_ends_the_run_gives_its_answer(world: Any) -> None:
    world.will_call(world.look, text="milk")
    world.will_call(world.write, text="done")
    run = await run_agent("go", world.deps(), options=world.opts(approve="all", ends_with=(world.write,)))
    assert (run.status, run.answer, run.state.samples) == (Status.DONE, "written", 2)


async def test_a_failed_ending_ends_nothing(world: Any) -> None:
    world.will_call(world.write, text="x")
    world.will_call(world.write, text="y")
    failures = iter([True, False])
    world.on_write = lambda text: 1 / 0 if next(failures) else "at last"
    run = await run_agent("go", world.deps(), options=world.opts(approve="all", ends_with=(world.write,)))
    assert (run.status, run.answer) == (Status.DONE, "at last")


async def test_where_a_tool_ends_the_run_plain_text_does_not(world: Any) -> None:
    world.will_answer("I am done")
    world.will_call(world.write, text="x")
    run = await run_agent("go", world.deps(), options=world.opts(approve="all", ends_with=(world.write,)))
    assert run.answer == "written"
    assert "end with notes/write" in world.llm.asked[1][0][-1].content


async def test_a_wrong_action_is_told_as_often_as_the_options_say(world: Any) -> None:
    for _ in range(3):
        world.will_call("notes/nothing")
    world.will_answer("could not")
    run = await run_agent("go", world.deps(), options=world.opts(wrong_actions=3))
    assert (run.status, run.state.samples) == (Status.DONE, 4)
    for _ in range(3):
        world.will_call("notes/nothing")
    run = await run_agent("go", world.deps(), options=world.opts(wrong_actions=2))
    assert run.status is Status.GAVE_UP


async def test_the_history_has_the_models_own_words(world: Any) -> None:
    said = 'I will look first.\n{"tool": "notes/look", "arguments": {"text": "milk"}}'
    world.says.append(said)
    world.will_answer()
    await run_agent("look", world.deps(), options=world.opts())
    assert said in [message.content for message in world.llm.asked[1][0]]
