"""Runs in code mode, over the real graph."""

from typing import Any

import pytest

from agent import event as kinds
from agent.decisions import approve, decide, reject
from agent.options import Status
from agent.run import Drain, resume_run, run_agent, state_of
from mcp_registry.policy import Decision

CODE: dict[str, Any] = {"equipment": "code", "approve": "all"}


def program(source: str) -> str:
    return f"Here is the program:\n```python\n{source}\n```\n"


async def test_a_program_makes_its_calls_as_steps_of_the_run_and_answers_with_what_it_prints(world: Any) -> None:
    world.says.append(program("t = notes.look(text='milk')\nnotes.write(text=t)\nprint('wrote', t)"))
    run = await run_agent("note milk", world.deps(), options=world.opts(**CODE))
    assert (run.status, run.answer) == (Status.DONE, "wrote found milk")
    assert [step.call.tool_id for step in run.state.steps] == [world.look, world.write]
    assert world.notes == ["found milk"]
    assert run.state.usage.calls == 1


async def test_the_prompt_has_the_tools_as_python_names(world: Any) -> None:
    world.says.append(program("print('x')"))
    await run_agent("look", world.deps(), options=world.opts(**CODE))
    assert "notes.look(text: string) - Look at the notes" in world.told


async def test_what_is_computed_from_results_is_filled_from_them_and_what_is_not_is_not(world: Any) -> None:
    world.says.append(program("notes.write(text='a')\nt = notes.look(text='milk')\nnotes.write(text=t)\nprint(t)"))
    run = await run_agent("note milk", world.deps(), options=world.opts(**CODE))
    first, look, last = (step.call for step in run.state.steps)
    assert (first.filled_from, first.untrusted_prompt) == ((), False)
    assert set(last.filled_from) == {first.id, look.id}


async def test_a_call_that_untrusted_results_have_filled_waits_for_a_person_and_the_run_goes_on_from_there(
    world: Any,
) -> None:
    world.toolbox.decisions[world.write] = Decision.ALLOW
    world.says.append(program("t = notes.look(text='milk')\nnotes.write(text=t)\nprint('ok')"))
    options = world.opts(equipment="code", approve="ask")
    run = await run_agent("do it", world.deps(), options=options)
    assert run.status is Status.WAITING
    assert world.notes == []
    (waiting,) = run.state.ledger.waiting
    await decide(world.journal, run.id, approve(run.state, waiting.call.id, by="me", arguments={"text": "edited"}))
    run = await resume_run(run.id, world.deps())
    assert (run.status, run.answer, world.notes) == (Status.DONE, "ok", ["edited"])
    assert len(world.llm.asked) == 1


async def test_a_rejected_call_is_an_error_that_the_program_may_catch(world: Any) -> None:
    source = "try:\n    notes.write(text=notes.look(text='milk'))\nexcept ToolError:\n    print('not allowed')"
    world.says.append(program(source))
    run = await run_agent("do it", world.deps(), options=world.opts(equipment="code", approve="ask"))
    (waiting,) = run.state.ledger.waiting
    await decide(world.journal, run.id, reject(run.state, waiting.call.id, by="me"))
    run = await resume_run(run.id, world.deps())
    assert (run.answer, world.notes) == ("not allowed", [])


async def test_a_run_that_was_stopped_goes_on_without_repeating_a_call(world: Any) -> None:
    drain = Drain()
    world.on_write = lambda text: drain.request() if text == "2" else "ok"
    world.says.append(program("for n in range(5):\n    notes.write(text=str(n))\nprint('all')"))
    run = await run_agent("count", world.deps(), options=world.opts(**CODE), drain=drain)
    assert run.status is Status.INTERRUPTED
    assert world.notes == ["0", "1", "2"]
    run = await resume_run(run.id, world.deps())
    assert (run.answer, world.notes) == ("all", ["0", "1", "2", "3", "4"])
    assert await state_of(run.id, world.deps()) == run.state


async def test_reads_of_a_comprehension_are_one_step_of_calls_side_by_side(world: Any) -> None:
    world.says.append(program("print([notes.look(text=t) for t in ['a', 'b', 'c']])"))
    run = await run_agent("look", world.deps(), options=world.opts(**CODE))
    acts = [each.event for each in await world.journal.events(run.id) if isinstance(each.event, kinds.Acting)]
    assert [len(act.calls) for act in acts] == [3]
    assert run.answer == '["found a", "found b", "found c"]'


async def test_a_broken_program_is_mended_with_the_error_and_the_calls_that_were_made_in_view(world: Any) -> None:
    world.says += [
        program("t = notes.look(text='milk')\nprint(t['value'])"),
        program("print('it is milk')"),
    ]
    run = await run_agent("look", world.deps(), options=world.opts(**CODE))
    assert run.answer == "it is milk"
    assert "line 2: TypeError" in world.told
    assert "found milk" in world.told
    assert run.state.corrections == 1
    assert len(run.state.steps) == 1


async def test_a_program_after_untrusted_results_is_chosen_by_them(world: Any) -> None:
    world.says += [
        program("t = notes.look(text='milk')\nprint(t['value'])"),
        program("notes.write(text='x')\nprint('ok')"),
    ]
    run = await run_agent("look", world.deps(), options=world.opts(**CODE))
    assert run.state.steps[-1].call.untrusted_prompt


async def test_a_program_that_searches_is_written_anew_with_what_was_found(world: Any) -> None:
    world.says += [program("search_tools('count')"), program("print(notes.count())")]
    run = await run_agent("look", world.deps(), options=world.opts(equipment="code", k=1, approve="all"))
    assert run.answer == '{"count": 0}'
    assert "Found: notes.count." in world.told


@pytest.mark.parametrize("source", ["import os", "x = 1", "not python at all !", ""])
async def test_after_so_many_programs_that_do_not_work_the_run_gives_up(world: Any, source: str) -> None:
    world.says += [program(source)] * 3
    run = await run_agent("look", world.deps(), options=world.opts(**CODE, retries=2))
    assert run.status is Status.GAVE_UP
    assert "none of 3 programs came to an end" in run.state.reason
    assert world.says == []
