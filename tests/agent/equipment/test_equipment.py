"""Which tools the model sees, by each strategy."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.call import Call, Outcome
from agent.deps import Deps
from agent.equipment import equipment_of, reveals
from agent.equipment.room import card_tokens, fitting, too_many
from agent.errors import BadAgentSettings
from agent.event import Acting, CallSettled, CallStarted, Equipped, PlanMade, PlannedCall, RunStarted
from agent.llm import Profile
from agent.options import Options
from agent.state import RunState, fold
from agent.strategies import Strategies
from agent.testing import ScriptedLLM, SimpleToolbox
from agent.thinking import Thinking
from agent.tool_cards import cards
from retrieval.tool import ToolId, ToolSpec

NAMES = get_args(get_type_hints(Options)["equipment"])


def tool(name: str, description: str = "", *, server: str = "files") -> ToolSpec:
    return ToolSpec(server=server, name=name, description=description)


READ = tool("read", "read a file")
WRITE = tool("write", "write a file")
LOG = tool("log", "show commits", server="git")
MAIL = tool("send", "send a letter", server="mail")
TOOLS = [WRITE, MAIL, READ, LOG]


def begin(
    options: Options,
    tools: Sequence[ToolSpec] = TOOLS,
    *,
    goal: str = "read a file",
    room: int = 32_768,
    small: bool = False,
) -> Thinking:
    llm = ScriptedLLM(lambda messages, ask: "", profile=Profile(context_tokens=room, small=small))
    toolbox = SimpleToolbox([(each, lambda arguments: "ok") for each in tools])
    unused: Any = None
    strategies = Strategies(planner=unused, equipment=equipment_of(options), memory=unused, llm=llm)
    return Thinking("run", fold([RunStarted(goal=goal, options=options)]), Deps(llm=llm, toolbox=toolbox), strategies)


def call(run: Thinking, tool_id: ToolId, *, settled: bool = True) -> None:
    id_ = run.next_call_id()
    run.emit(Acting(calls=(Call(id=id_, tool_id=tool_id, arguments={}),)), CallStarted(call_id=id_, hash="x"))
    if settled:
        run.emit(CallSettled(call_id=id_, outcome=Outcome.SUCCEEDED))


async def shown(run: Thinking) -> list[ToolId]:
    return [each.tool_id for each in await run.equipment.tools(run)]


@pytest.mark.parametrize("name", NAMES)
async def test_the_prompt_grows_at_its_end_only_and_repeats_itself_byte_for_byte(name: Any) -> None:
    run = begin(Options(equipment=name, k=2))
    before = cards(await run.equipment.tools(run))
    assert cards(await run.equipment.tools(run)) == before
    for query in ("send a letter", "show commits", "read a file"):
        await run.equipment.search(run, [query])
        now = cards(await run.equipment.tools(run))
        assert now.startswith(before)
        before = now


@pytest.mark.parametrize("name", NAMES)
async def test_a_resumed_run_has_the_tools_that_it_had(name: Any) -> None:
    run = begin(Options(equipment=name, k=2))
    await run.equipment.tools(run)
    await run.equipment.search(run, ["send a letter"])
    again = begin(Options(equipment=name, k=2), list(reversed(TOOLS)))
    again.state = run.state
    assert await shown(again) == await shown(run)
    assert again.state == run.state


@pytest.mark.parametrize("name", NAMES)
async def test_a_tool_that_is_not_there_any_more_is_let_go(name: Any) -> None:
    run = begin(Options(equipment=name, k=4))
    await run.equipment.tools(run)
    await run.equipment.search(run, ["read a file"])
    later = begin(Options(equipment=name, k=4), [WRITE, MAIL, LOG])
    later.state = run.state
    assert READ.tool_id in run.state.equipped
    assert READ.tool_id not in await shown(later)
    assert READ.tool_id not in later.state.equipped


async def test_scalemcp_starts_with_nothing_and_takes_several_queries_at_once() -> None:
    run = begin(Options(equipment="scalemcp", k=1))
    assert run.equipment.can_search
    assert await shown(run) == []
    assert set(await run.equipment.search(run, ["send a letter", "show commits"])) == {MAIL.tool_id, LOG.tool_id}
    assert set(await shown(run)) == {MAIL.tool_id, LOG.tool_id}


async def test_a_small_model_begins_with_what_a_search_for_the_goal_finds() -> None:
    run = begin(Options(equipment="scalemcp", k=1), small=True)
    assert await shown(run) == ["files/read"]
    call(run, "files/read")
    assert await shown(run) == ["files/read"]


async def test_a_small_model_gets_k_tools_however_many_queries_it_asks() -> None:
    run = begin(Options(equipment="scalemcp", k=2), small=True)
    assert len(await run.equipment.search(run, ["read a file", "send a letter", "show commits"])) == 2


async def test_scalemcp_says_what_it_has_found_also_when_it_was_there() -> None:
    run = begin(Options(equipment="scalemcp", k=1))
    await run.equipment.search(run, ["read a file"])
    assert await run.equipment.search(run, ["read a file"]) == [READ.tool_id]
    assert await shown(run) == [READ.tool_id]


async def test_empty_queries_find_nothing() -> None:
    run = begin(Options(equipment="scalemcp"))
    assert await run.equipment.search(run, ["", "  "]) == []
    assert await shown(run) == []


async def test_rag_mcp_retrieves_for_the_goal_before_the_model_and_the_model_cannot_search() -> None:
    run = begin(Options(equipment="rag-mcp", k=1), goal="send a letter")
    assert not run.equipment.can_search
    assert await shown(run) == [MAIL.tool_id]


async def test_all_shows_every_tool_by_its_id() -> None:
    run = begin(Options(equipment="all"))
    assert await shown(run) == sorted(each.tool_id for each in TOOLS)


async def test_all_says_how_many_tokens_it_would_take_when_they_do_not_fit() -> None:
    many = [tool(f"tool_{place}", "does what it says") for place in range(1_000)]
    run = begin(Options(equipment="all"), many, room=8_192)
    with pytest.raises(BadAgentSettings, match=r"all 1,000 tools take about 1\d,\d{3} tokens .* has 8,192.*scalemcp"):
        await run.equipment.tools(run)


def numbered(count: int) -> list[ToolSpec]:
    return [tool(f"tool_{place:03}", f"kind{place // 10} " + "x" * 380) for place in range(count)]


async def test_tools_beyond_the_budget_are_let_go_in_one_batch_and_then_not_for_a_while() -> None:
    many = numbered(60)
    options = Options(equipment="scalemcp", k=1, tool_tokens=30 * card_tokens(many[0]))
    run = begin(options, many)
    sizes: list[int] = []
    for each in many:
        found = fitting([each], options.tool_tokens, card_tokens)
        run.emit(Equipped(tool_ids=tuple(one.tool_id for one in found)))
        await run.equipment.search(run, ["kind0"])
        sizes.append(len(run.state.equipped))
    drops = [before - after for before, after in pairwise(sizes) if after < before]
    assert max(sizes) <= 30
    assert drops
    assert min(drops) >= 8


async def test_what_was_called_or_is_pending_stays_and_what_was_never_used_goes_first() -> None:
    many = numbered(12)
    run = begin(Options(equipment="scalemcp", tool_tokens=10 * card_tokens(many[0])), many)
    run.emit(Equipped(tool_ids=tuple(each.tool_id for each in many[:11])))
    call(run, many[0].tool_id)
    call(run, many[1].tool_id, settled=False)
    gone = too_many(run.state, many[:11], card_tokens, keep=frozenset())
    assert not {many[0].tool_id, many[1].tool_id} & set(gone)
    assert set(gone) == {each.tool_id for each in many[7:11]}, "of those found together the worst go first"


async def test_what_plans_may_still_need_stays() -> None:
    many = numbered(12)
    run = begin(Options(equipment="scalemcp", tool_tokens=10 * card_tokens(many[0])), many)
    run.emit(Equipped(tool_ids=tuple(each.tool_id for each in many[:11])))
    run.emit(PlanMade(plans=((PlannedCall(tool_id=many[10].tool_id, arguments={}),),), sampled=1))
    gone = too_many(run.state, many[:11], card_tokens, keep=frozenset())
    assert set(gone) == {each.tool_id for each in many[6:10]}


async def test_a_search_that_finds_more_than_fits_shows_the_best() -> None:
    many = numbered(10)
    run = begin(Options(equipment="scalemcp", k=10, tool_tokens=3 * card_tokens(many[0])), many)
    assert await run.equipment.search(run, ["kind0"]) == [each.tool_id for each in many[:3]]


@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=30),
    used=st.sets(st.integers(0, 29)),
    budget=st.integers(1, 400),
)
def test_the_budget_is_kept_or_only_what_must_stay_is_left(sizes: list[int], used: set[int], budget: int) -> None:
    tools = [tool(f"tool_{place}") for place in range(len(sizes))]
    size_of = {each.tool_id: size for each, size in zip(tools, sizes, strict=True)}
    pending = tuple(
        Call(id=str(place), tool_id=tools[place].tool_id, arguments={}) for place in used if place < len(tools)
    )
    state = RunState(
        options=Options(tool_tokens=budget),
        equipped=tuple(size_of),
        equipped_at=dict.fromkeys(size_of, 0),
        pending=pending,
    )
    gone = too_many(state, tools, lambda each: size_of[each.tool_id], keep=frozenset())
    left = [id_ for id_ in size_of if id_ not in gone]
    held = {each.tool_id for each in pending}
    assert sum(size_of[id_] for id_ in left) <= budget or set(left) == held
    assert not held & set(gone)
    assert sum(sizes) > budget or not gone


def test_tools_stand_where_they_were_found_until_the_steps_before_them_are_in_memory() -> None:
    run = begin(Options(equipment="scalemcp"))
    run.emit(Equipped(tool_ids=(READ.tool_id,)))
    call(run, READ.tool_id)
    call(run, READ.tool_id)
    run.emit(Equipped(tool_ids=(LOG.tool_id,)))
    assert reveals(run.state, [READ, LOG]) == {0: [READ], 2: [LOG]}
    assert reveals(replace(run.state, remembered=2), [READ, LOG]) == {0: [READ, LOG]}
