"""LangGraph's checkpoints over our store: resumed by another process, safe to read, two a run however long it is."""

import asyncio
import operator
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Any, TypedDict

import ormsgpack
import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt

from agent.checkpoints import checkpoints_url, forget, open_checkpointer
from agent.errors import StoreError
from mcp_registry.home import Home

Opening = Callable[[], AbstractAsyncContextManager[Any]]


class Turns(TypedDict):
    turns: Annotated[int, operator.add]
    done: Annotated[list[str], operator.add]


@pytest.fixture(params=["sqlite", "postgresql"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Opening:
    """Opens the same checkpoints each time."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'checkpoints.db'}" if sqlite else request.getfixturevalue("postgres_url")
    return lambda: open_checkpointer(url)


def _config(name: str) -> Any:
    return {"configurable": {"thread_id": name}, "recursion_limit": 10_000}


def _graph(saver: Any, act: Callable[[str], Any]) -> Any:
    """think -> three tasks side by side -> end."""

    def think(state: Turns) -> Any:
        return Command(goto=[Send("act", name) for name in ("a", "b", "c")], update={"turns": 1})

    graph: Any = StateGraph(Turns)
    graph.add_node("think", think, destinations=("act",))
    graph.add_node("act", act)
    graph.add_edge(START, "think")
    graph.add_edge("act", END)
    return graph.compile(checkpointer=saver)


def _loop(saver: Any, turns: int) -> Any:
    """A node that comes again so many times, with a list that does not grow."""

    def step(state: Turns) -> Any:
        return Command(goto="step" if state["turns"] + 1 < turns else END, update={"turns": 1})

    graph: Any = StateGraph(Turns)
    graph.add_node("step", step, destinations=("step", END))
    graph.add_edge(START, "step")
    return graph.compile(checkpointer=saver)


async def test_tasks_that_were_done_are_not_run_again_when_another_opens_it(opening: Opening) -> None:
    ran: Counter[str] = Counter()
    broken = True

    async def act(name: str) -> Any:
        ran[name] += 1
        if name == "c" and broken:
            raise ConnectionError
        return {"done": [name]}

    async with opening() as saver:
        with pytest.raises(ConnectionError):
            await _graph(saver, act).ainvoke({"turns": 0}, _config("r"), durability="sync")
    broken = False
    async with opening() as saver:
        ended = await _graph(saver, act).ainvoke(None, _config("r"), durability="sync")
    assert ended == {"turns": 1, "done": ["a", "b", "c"]}
    assert ran == {"a": 1, "b": 1, "c": 2}


async def test_interrupts_of_several_tasks_wait_and_are_resumed_by_their_ids(opening: Opening) -> None:
    async def act(name: str) -> Any:
        return {"done": [name if name == "a" else f"{name}: {interrupt(name)}"]}

    async with opening() as saver:
        paused = await _graph(saver, act).ainvoke({"turns": 0}, _config("r"), durability="sync")
        waiting = {each.value: each.id for each in paused["__interrupt__"]}
        assert set(waiting) == {"b", "c"}
    async with opening() as saver:
        graph = _graph(saver, act)
        half = await graph.ainvoke(Command(resume={waiting["b"]: "yes"}), _config("r"), durability="sync")
        assert [each.value for each in half["__interrupt__"]] == ["c"]
        ended = await graph.ainvoke(Command(resume={waiting["c"]: "no"}), _config("r"), durability="sync")
        assert ended["done"] == ["a", "b: yes", "c: no"]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
async def test_a_run_of_any_length_has_two_checkpoints(opening: Opening, durability: str) -> None:
    async with opening() as saver:
        await _loop(saver, 30).ainvoke({"turns": 0}, _config("r"), durability=durability)
        kept = [each async for each in saver.alist(_config("r"))]
        assert len(kept) <= 2
        state = await _loop(saver, 30).aget_state(_config("r"))
        assert (state.values["turns"], state.next) == (30, ())
        assert kept[0].config["configurable"]["checkpoint_id"] == state.config["configurable"]["checkpoint_id"]


async def test_two_hundred_turns_take_no_more_room_than_fifty(tmp_path: Path) -> None:
    async with open_checkpointer(f"sqlite:///{tmp_path / 'checkpoints.db'}") as saver:
        await _loop(saver, 50).ainvoke({"turns": 0}, _config("a"), durability="sync")
        await saver.give_back()
        before = await saver.size()
        await _loop(saver, 200).ainvoke({"turns": 0}, _config("b"), durability="sync")
        await saver.give_back()
        assert await saver.size() <= before + 16_384


async def test_many_runs_at_the_same_time_do_not_meet(opening: Opening) -> None:
    async with opening() as saver:
        graph = _loop(saver, 5)
        ended = await asyncio.gather(
            *(graph.ainvoke({"turns": 0, "done": [str(number)]}, _config(f"r{number}")) for number in range(30))
        )
    assert [each["done"] for each in ended] == [[str(number)] for number in range(30)]


async def test_what_is_forgotten_is_gone_and_others_stay(opening: Opening) -> None:
    async with opening() as saver:
        graph = _loop(saver, 2)
        for name in ("a", "b", "c"):
            await graph.ainvoke({"turns": 0}, _config(name))
        await forget(saver, ["a", "b"])
        assert [await saver.aget_tuple(_config(name)) is None for name in ("a", "b", "c")] == [True, True, False]


async def test_a_checkpoint_that_names_a_function_does_not_call_it(opening: Opening, tmp_path: Path) -> None:
    def checkpoint_that_makes(folder: Path) -> tuple[str, bytes]:
        call = ormsgpack.packb(("os", "mkdir", str(folder)))
        return ("msgpack", ormsgpack.packb({"value": ormsgpack.Ext(0, call)}))

    JsonPlusSerializer(allowed_msgpack_modules=True).loads_typed(checkpoint_that_makes(tmp_path / "by default"))
    assert (tmp_path / "by default").exists(), "LangGraph's own way does not call it either, so this proves nothing"
    async with opening() as saver:
        saver.serde.loads_typed(checkpoint_that_makes(tmp_path / "strict"))
        assert not (tmp_path / "strict").exists()
        with pytest.raises(NotImplementedError):
            saver.serde.loads_typed(("pickle", b"cos\nmkdir\n."))


async def test_the_names_of_runs_may_be_any_text(opening: Opening) -> None:
    async with opening() as saver:
        await _loop(saver, 2).ainvoke({"turns": 0}, _config("odd \0 '; -- %s ?"))
        assert (await _loop(saver, 2).aget_state(_config("odd \0 '; -- %s ?"))).values["turns"] == 2


async def test_without_a_place_it_is_in_memory() -> None:
    async with open_checkpointer(None) as saver:
        assert (await _loop(saver, 3).ainvoke({"turns": 0}, _config("r")))["turns"] == 3
        await forget(saver, ["r"])
        assert await saver.aget_tuple(_config("r")) is None


async def test_a_state_folder_says_where(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert checkpoints_url(home) == f"sqlite:///{tmp_path}/checkpoints.db"
    async with open_checkpointer(home) as saver:
        await _loop(saver, 2).ainvoke({"turns": 0}, _config("r"))
    assert (tmp_path / "checkpoints.db").exists()


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "checkpoints.db").write_text("no database, " * 100)
    with pytest.raises(StoreError, match=r"checkpoints\.db is not a SQLite database"):
        async with open_checkpointer(Home(tmp_path)):
            pass
