"""Runs keep their prompts bounded: results go into memory when they outgrow it, with their trust."""

from itertools import pairwise

import msgspec
import pytest

from agent.call import Call, Outcome
from agent.deps import Deps
from agent.event import Acting, CallSettled, CallStarted, Event, Folded, Revised, RunStarted, SchemaChosen
from agent.llm import LLM
from agent.options import Options
from agent.prism import keeper_of
from agent.prism.memory import memory_of
from agent.prism.oracle import FACT_SCHEMA, OracleReader, fact, values_in
from agent.state import RunState, fold
from agent.strategies import by_name
from agent.testing import ScriptedLLM, SimpleToolbox
from agent.thinking import Thinking
from agent.tokens import count_message_tokens

_FILLER = "Nothing of note happened on that day, and the clerks went home early. "
_OPTIONS = Options(planner="react", context_tokens=400, chunk_tokens=140)


def _facts(step: int, count: int = 2) -> list[tuple[str, str, str]]:
    return [(f"Ann {'ABCDEFGHIJKLMNOPQRST'[step]}ee", f"note {'abcdefghijklmnop'[n]}", f"v{n}") for n in range(count)]


def _text(facts: list[tuple[str, str, str]]) -> str:
    return "\n\n".join(f"{_FILLER}Note {fact((entity, what), value)}" for entity, what, value in facts)


def _steps(*texts: str, untrusted: bool = True) -> list[Event]:
    events: list[Event] = []
    for number, text in enumerate(texts, 1):
        call = Call(id=f"r-{number}", tool_id="files/read", arguments={"path": f"{number}.txt"})
        settled = CallSettled(call_id=call.id, outcome=Outcome.SUCCEEDED, text=text, untrusted=untrusted)
        events += [Acting(calls=(call,)), CallStarted(call_id=call.id, hash="h"), settled]
    return events


def _thinking(*events: Event, options: Options = _OPTIONS, llm: LLM | None = None) -> Thinking:
    llm = llm or OracleReader()
    state = fold([RunStarted(goal="What are the notes?", options=options), *events])
    return Thinking("r", state, Deps(llm=llm, toolbox=SimpleToolbox([])), by_name(options, llm))


_SCHEMA = SchemaChosen(name="facts", source=FACT_SCHEMA)


def _values(state: RunState) -> dict[tuple[str, str], str]:
    memory = memory_of(state)
    return values_in(memory.value) if memory else {}


async def test_small_results_stay_raw_and_cost_no_call() -> None:
    run = _thinking(_SCHEMA, *_steps(_text(_facts(0)), _text(_facts(1))))
    await run.memory.keep(run)
    assert (run.state.remembered, run.state.samples, run.memory.shown(run.state)) == (0, 0, [])


async def test_when_raw_results_outgrow_their_bound_all_but_the_last_two_are_remembered() -> None:
    run = _thinking(_SCHEMA, *_steps(*(_text(_facts(step)) for step in range(12))))
    await run.memory.keep(run)
    assert run.state.remembered == 10
    assert _values(run.state) == {(e, w): v for step in range(10) for e, w, v in _facts(step)}
    assert run.state.samples < 10, "small results are read together"


async def test_a_result_larger_than_a_chunk_is_streamed_at_once() -> None:
    run = _thinking(_SCHEMA, *_steps(_text(_facts(0, 16))))
    await run.memory.keep(run)
    assert (run.state.remembered, len(_values(run.state))) == (1, 16)
    sources = {entry.source for entry in run.state.entries}
    assert sources == {f"r-1#{part}" for part in range(1, len(sources) + 1)}
    assert len(sources) > 2


async def test_prompts_stay_bounded_however_many_results_there_are() -> None:
    llm = OracleReader()
    run = _thinking(_SCHEMA, llm=llm)
    for number in range(60):
        call = Call(id=f"r-{number}", tool_id="files/read", arguments={"n": number})
        settled = CallSettled(call_id=call.id, outcome=Outcome.SUCCEEDED, text=_text(_facts(number % 20)))
        run.emit(Acting(calls=(call,)), CallStarted(call_id=call.id, hash="h"), settled)
        await run.memory.keep(run)
        raw = sum(len(step.text) // 4 for step in run.state.raw_steps)
        assert raw + count_message_tokens(run.memory.shown(run.state)) < 2 * _OPTIONS.context_tokens + 200
    assert llm.peak < 2 * _OPTIONS.context_tokens + 500


async def test_what_an_untrusted_result_said_is_untrusted_in_memory_and_in_prompts() -> None:
    for untrusted in (True, False):
        run = _thinking(_SCHEMA, *_steps(_text(_facts(0, 16)), untrusted=untrusted))
        await run.memory.keep(run)
        assert {entry.untrusted for entry in run.state.entries} == {untrusted}
        assert any(message.untrusted for message in run.memory.shown(run.state)) is untrusted


async def test_a_run_that_broke_off_in_a_large_result_reads_only_the_rest_of_it() -> None:
    steps = _steps(_text(_facts(0, 16)))
    whole = _thinking(_SCHEMA, *steps)
    await whole.memory.keep(whole)
    first = [entry for entry in whole.state.entries if entry.source in {"r-1#1", "r-1#2"}]
    again = _thinking(_SCHEMA, *steps, Revised(entries=tuple(first), steps=0))
    await again.memory.keep(again)
    assert again.state.entries == whole.state.entries
    assert again.state.samples == whole.state.samples - 2


async def test_amendments_only_append_to_what_prompts_show() -> None:
    run = _thinking(_SCHEMA, *_steps(_text(_facts(0, 12))), options=Options(context_tokens=4_000, chunk_tokens=60))
    shown: list[str] = []
    emit = run.emit

    def watched(*events: Event) -> None:
        emit(*events)
        if any(isinstance(event, Revised) and event.entries for event in events):
            shown.append("\n".join(message.content for message in run.memory.shown(run.state)))

    run.emit = watched  # pyright: ignore[reportAttributeAccessIssue]
    await run.memory.keep(run)
    assert len(shown) > 3
    assert all(after.startswith(before) for before, after in pairwise(shown))


async def test_the_log_is_folded_when_it_outgrows_its_budget() -> None:
    changes = [_text([("Ann Lee", "age", f"v{turn}-{n}") for n in range(8)]) for turn in range(12)]
    run = _thinking(_SCHEMA, *_steps(*changes), options=msgspec.structs.replace(_OPTIONS, context_tokens=200))
    folds: list[Folded] = []
    emit = run.emit

    def watched(*events: Event) -> None:
        emit(*events)
        folds.extend(event for event in events if isinstance(event, Folded))

    run.emit = watched  # pyright: ignore[reportAttributeAccessIssue]
    await run.memory.keep(run)
    assert folds
    assert all(each.after < each.before for each in folds)
    assert _values(run.state)["Ann Lee", "age"] == "v11-7"


async def test_a_schema_is_chosen_at_the_first_need_and_once() -> None:
    source = FACT_SCHEMA.replace("as it is now", "made")
    llm = ScriptedLLM(lambda _messages, ask: source if ask.purpose == "schema" else '{"revisions":[]}')
    run = _thinking(*_steps(_text(_facts(0, 16))), llm=llm)
    await run.memory.keep(run)
    later = Call(id="r-9", tool_id="files/read", arguments={})
    settled = CallSettled(call_id="r-9", outcome=Outcome.SUCCEEDED, text=_text(_facts(1, 16)))
    run.emit(Acting(calls=(later,)), CallStarted(call_id="r-9", hash="h"), settled)
    await run.memory.keep(run)
    assert (run.state.schema, run.state.remembered) == (source, 2)
    assert [ask.purpose for _, ask in llm.asked].count("schema") == 1


@pytest.mark.parametrize("memory", ["incremental", "hierarchical"])
async def test_summaries_hold_what_was_said_last(memory: str) -> None:
    options = msgspec.structs.replace(_OPTIONS, memory=memory)
    texts = [_text(_facts(step)) for step in range(12)]
    run = _thinking(*_steps(*texts), options=options)
    await run.memory.keep(run)
    (message,) = run.memory.shown(run.state)
    assert run.state.remembered == 10
    assert message.untrusted
    assert all(f"{e}, {w}: {v}" in message.content for step in range(10) for e, w, v in _facts(step))


async def test_full_context_keeps_every_step_raw() -> None:
    options = msgspec.structs.replace(_OPTIONS, memory="full")
    run = _thinking(*_steps(*(_text(_facts(step)) for step in range(12))), options=options)
    await run.memory.keep(run)
    assert (run.state.remembered, keeper_of(options).shown(run.state)) == (0, [])
