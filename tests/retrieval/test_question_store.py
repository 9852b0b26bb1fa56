"""Questions that are written once and kept."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from retrieval.errors import ChatUnavailable, IndexDamaged
from retrieval.question_store import QuestionStore, write_questions
from retrieval.tool import ToolSpec

TOOLS = [ToolSpec(server="git", name=name, description=f"Does {name}") for name in ("log", "diff", "push", "pull")]


class Writer:
    """Writes the tool's name; fails for those it is told to, and counts."""

    id = "scripted"

    def __init__(self, *failing: str) -> None:
        self.failing = set(failing)
        self.asked: list[str] = []
        self.at_once = 0
        self.most_at_once = 0

    async def write(self, tool: ToolSpec) -> list[str]:
        self.asked.append(tool.name)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if tool.name in self.failing:
            raise ChatUnavailable(f"cannot write for {tool.name}")
        return [f"who does {tool.name}?"]


@pytest.fixture
def store(tmp_path: Path) -> QuestionStore:
    return QuestionStore(tmp_path / "questions.db")


async def test_every_tool_gets_questions_and_they_are_kept(store: QuestionStore, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    done = await write_questions(TOOLS, Writer(), store, progress=lambda *now: told.append(now))
    assert (done.new, done.kept, done.failed) == (4, 0, {})
    assert told[-1] == (4, 4)
    assert QuestionStore(tmp_path / "questions.db").of("scripted")(TOOLS[1]) == ["who does diff?"]


async def test_one_that_fails_stops_no_other_and_is_tried_again(store: QuestionStore) -> None:
    done = await write_questions(TOOLS, Writer("diff"), store)
    assert done.failed == {"git/diff": "cannot write for diff"}
    assert done.new == 3
    writer = Writer()
    again = await write_questions(TOOLS, writer, store)
    assert writer.asked == ["diff"]
    assert (again.new, again.kept) == (1, 3)


async def test_what_is_written_is_never_written_again(store: QuestionStore) -> None:
    await write_questions(TOOLS, Writer(), store)
    writer = Writer()
    await write_questions([*TOOLS, TOOLS[0]], writer, store)
    assert writer.asked == []
    store.add(TOOLS[0], "scripted", ["something else"])
    assert store.of("scripted")(TOOLS[0]) == ["who does log?"]


async def test_a_tool_that_changes_or_stands_on_another_server_is_another(store: QuestionStore) -> None:
    await write_questions(TOOLS, Writer(), store)
    changed = ToolSpec(server="git", name="log", description="Does more")
    elsewhere = ToolSpec(server="svn", name="log", description="Does log")
    assert store.missing([changed, elsewhere, TOOLS[0]], "scripted") == [changed, elsewhere]
    assert store.of("scripted")(changed) == ()


async def test_writers_do_not_see_each_others_questions(store: QuestionStore) -> None:
    await write_questions(TOOLS, Writer(), store)
    assert store.of("another")(TOOLS[0]) == ()
    assert store.missing(TOOLS, "another") == TOOLS


async def test_no_more_at_once_than_is_said(store: QuestionStore) -> None:
    writer = Writer()
    await write_questions(TOOLS, writer, store, at_once=2)
    assert writer.most_at_once == 2


async def test_a_run_that_is_cut_off_keeps_what_it_has(store: QuestionStore) -> None:
    third = asyncio.Event()

    class Hanging(Writer):
        async def write(self, tool: ToolSpec) -> list[str]:
            if len(self.asked) == 2:
                third.set()
                await asyncio.Event().wait()
            return await super().write(tool)

    run = asyncio.create_task(write_questions(TOOLS, Hanging(), store, at_once=1))
    await third.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert len(store.missing(TOOLS, "scripted")) == 2


def test_several_may_write_while_others_read(store: QuestionStore) -> None:
    def write(number: int) -> None:
        store.add(TOOLS[number % 4], f"writer-{number // 4}", [str(number)])
        store.of(f"writer-{number // 4}")(TOOLS[0])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(24)))
    assert all(not store.missing(TOOLS, f"writer-{number}") for number in range(6))


def test_an_empty_store_makes_no_file(store: QuestionStore, tmp_path: Path) -> None:
    assert store.missing(TOOLS, "scripted") == TOOLS
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "questions.db"
    path.write_bytes(b"not a database at all, but long enough to be taken for one" * 50)
    with pytest.raises(IndexDamaged, match=r"questions\.db"):
        QuestionStore(path).missing(TOOLS, "scripted")
