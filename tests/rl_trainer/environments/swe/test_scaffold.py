"""The tools, as an agent meets them."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from rl_trainer.environments.swe.environment import SweEnvironment
from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.task import SweTask
from rl_trainer.environments.swe.tools import TOOLS
from rl_trainer.environments.swe.world import SweWorld
from rl_trainer.task import Task

LONG = "".join(f"line {number}\n" for number in range(1, 251))


class Desk:
    """Calls tools of a world by name, and tells their texts."""

    def __init__(self, world: SweWorld) -> None:
        self.world = world

    async def __call__(self, name: str, **arguments: Any) -> str:
        tool = (await self.world.toolbox.tools([f"swe/{name}"]))[f"swe/{name}"]
        result = await self.world.toolbox.call(tool, arguments, key="", timeout_s=None)
        return f"ERROR {result.text}" if result.is_error else result.text


@pytest.fixture
async def desk(bug: SweTask, task: Task, folders: Any) -> AsyncIterator[Desk]:
    more = {**bug.files, "pkg/long.txt": LONG, "pkg/picture.bin": "\0\1", "pkg/broken.py": "def (\n"}
    given = msgspec.structs.replace(bug, files=more)
    environment = SweEnvironment(SweSettings(window=10, observation=2_000), open_=folders)
    async with environment.open(msgspec.structs.replace(task, data=given.to_data())) as world:
        assert isinstance(world, SweWorld)
        yield Desk(world)


async def test_open_shows_a_window_and_every_answer_says_where_one_stands(desk: Desk) -> None:
    assert await desk("open", path="sums.py") == (
        "1: def total(numbers):\n2:     result = 0\n3:     for each in numbers:\n4:         result -= each\n"
        "5:     return result\n[open file: sums.py (5 lines); directory: .]"
    )


async def test_a_long_file_is_paged(desk: Desk) -> None:
    middle = await desk("open", path="pkg/long.txt", line=100)
    assert middle.startswith("(94 lines above)\n95: line 95\n")
    assert "104: line 104\n(146 lines below)" in middle
    assert "105: line 105" in await desk("scroll_down")
    assert "95: line 95" in await desk("scroll_up")
    assert (await desk("goto", line=250)).startswith("(240 lines above)\n241: line 241")
    assert "250: line 250\n[open file" in await desk("scroll_down")
    assert "there is no line 251" in await desk("goto", line=251)


async def test_edit_replaces_lines_and_both_ends_are_included(desk: Desk) -> None:
    await desk("open", path="sums.py")
    shown = await desk("edit", start=3, end=5, text="    return sum(numbers)")
    assert shown.startswith("changed sums.py\n1: def total(numbers):\n2:     result = 0\n3:     return sum(numbers)\n[")
    assert desk.world.patch.files["sums.py"] == b"def total(numbers):\n    result = 0\n    return sum(numbers)\n"
    await desk("edit", start=2, end=1, text="    # nothing yet")
    await desk("edit", start=3, end=3, text="")
    assert desk.world.patch.files["sums.py"] == b"def total(numbers):\n    # nothing yet\n    return sum(numbers)\n"
    assert desk.world.facts()["edits"] == 3


async def test_an_edit_that_breaks_the_syntax_is_refused_and_says_where(desk: Desk) -> None:
    await desk("open", path="sums.py")
    refused = await desk("edit", start=4, end=4, text="        result += (each")
    assert refused.startswith("ERROR edit was not done: sums.py would be no Python any more (line 4: '(' was never")
    assert not desk.world.patch
    assert (desk.world.facts()["syntax_errors"], desk.world.facts()["edits"]) == (1, 0)
    assert "changed" in await desk("replace", path="pkg/broken.py", old="def (", new="def f(")  # broken before: allowed
    assert "create was not done" in await desk("create", path="new.py", content="if")


async def test_a_broken_edit_is_only_warned_of_where_that_is_wanted(bug: SweTask, task: Task, folders: Any) -> None:
    async with SweEnvironment(SweSettings(refuse_broken=False), open_=folders).open(task) as world:
        told = await Desk(world)("create", path="new.py", content="if")  # type: ignore[arg-type]
    assert told.startswith("created new.py - it is no Python any more (line 1: invalid syntax)\n1: if")


async def test_replace_wants_one_place_unless_all_are_meant(desk: Desk) -> None:
    await desk("open", path="sums.py")
    assert "occurs 3 times, in lines 2, 4, 5" in await desk("replace", old="result", new="answer")
    assert "no such text" in await desk("replace", old="reslt", new="answer")
    assert "changes nothing" in await desk("replace", old="-=", new="-=")
    await desk("replace", old="result", new="answer", replace_all=True)
    assert "answer -= each" in await desk("replace", old="answer = 0", new="answer = 1")


async def test_searches_give_lines(desk: Desk) -> None:
    assert (await desk("search_dir", text="total(")).startswith(
        "3 lines with 'total(' in the repository\nsums.py:1: def total(numbers):\nsums_test.py:8: "
    )
    assert "1 line with 'line 17\n" not in await desk("search_file", path="pkg/long.txt", text="line 17")
    assert (await desk("search_file", path="pkg/long.txt", text="line 99")).startswith("1 line with 'line 99' in pkg")
    assert "(and 200 more" in await desk("search_file", path="pkg/long.txt", text="line")
    assert "no line with" in await desk("search_dir", text="nowhere to be found", path="pkg")


async def test_the_shell_remembers_its_directory_and_tells_how_a_command_ended(desk: Desk) -> None:
    assert await desk("shell", command="cd pkg && ls") == (
        "broken.py\nlong.txt\npicture.bin\n[open file: none; directory: pkg]"
    )
    assert await desk("shell", command="pwd; exit 3") == "pkg\n(exit status 3)\n[open file: none; directory: pkg]"
    assert "line 1\n" in await desk("open", path="long.txt")
    assert "def total" in await desk("open", path="../sums.py")
    assert "leads out of the repository" in await desk("open", path="../../secret")
    assert "directory: .]" in await desk("shell", command="cd ..")


async def test_the_same_commands_give_the_same_words_each_time(desk: Desk) -> None:
    command = "python -m unittest sums_test.py; python -c 'print(object(), hash(\"a\"))'"
    first, again = await desk("shell", command=command), await desk("shell", command=command)
    assert first == again
    assert "Ran 2 tests\n" in first
    assert "/tmp" not in first


async def test_what_a_command_changed_counts_as_an_edit(desk: Desk) -> None:
    await desk("open", path="sums.py")
    told = await desk(
        "shell", command="sed -i s/-=/+=/ sums.py; rm -r pkg; mkdir -p __pycache__; echo x > __pycache__/a"
    )
    assert told == "(no output)\n[open file: sums.py (5 lines); directory: .]"
    assert list(desk.world.patch.files) == ["pkg/broken.py", "pkg/long.txt", "pkg/picture.bin", "sums.py"]
    assert desk.world.facts()["edits"] == 1
    assert "-        result -= each\n+        result += each\n" in desk.world.diff()


async def test_protected_files_are_not_edited(desk: Desk) -> None:
    refused = await desk("replace", path="sums_test.py", old="3", new="4")
    assert "sums_test.py is protected: tests stay as they are" in refused
    assert desk.world.facts()["refused"] == 1


async def test_mistakes_are_answered_with_what_to_do(desk: Desk) -> None:
    assert "no file is open: use open first" in await desk("scroll_down")
    assert "there is pkg/long.txt" in await desk("open", path="long.txt")
    assert "(this is no text)" in await desk("open", path="pkg/picture.bin")
    assert "sums.py exists: open it" in await desk("create", path="sums.py", content="")
    assert "the file has lines 1 to 250" in await desk("edit", path="pkg/long.txt", start=300, end=301, text="")
    assert "'end' is required" in await desk("edit", path="pkg/long.txt", start=1, text="")


async def test_only_the_shell_starts_processes(desk: Desk, folders: Any) -> None:
    for name, arguments in (
        ("open", {"path": "sums.py"}),
        ("edit", {"start": 1, "end": 0, "text": "# sums"}),
        ("create", {"path": "a/b.py", "content": ""}),
        ("search_dir", {"text": "sums"}),
        ("submit", {}),
    ):
        await desk(name, **arguments)
    assert folders.commands == []


async def test_nothing_is_done_after_the_end(desk: Desk) -> None:
    assert (await desk("submit")).startswith("submitted; changed: nothing")
    assert "the task has ended" in await desk("shell", command="ls")


def test_tools_are_told_apart_by_what_they_may_do() -> None:
    reads = {tool.name for tool in TOOLS if tool.read_only}
    assert reads == {"open", "goto", "scroll_up", "scroll_down", "search_file", "search_dir"}
    assert all(tool.input_schema["additionalProperties"] is False for tool in TOOLS)


@pytest.mark.parametrize("path", ["sums.py/below", "pkg"])
async def test_a_file_in_the_place_of_a_folder_or_below_a_file_is_refused(desk: Desk, path: str) -> None:
    assert "cannot be a file" in await desk("create", path=path, content="x")
