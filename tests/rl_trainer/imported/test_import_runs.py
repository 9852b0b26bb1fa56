import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent.llm import Purpose
from agent.message import Message, ToolCall
from agent.store import journal_url, open_journal
from mcp_registry.home import find_home
from retrieval.tool import ToolSpec
from rl_trainer.cli.import_runs import app
from rl_trainer.errors import ActionMalformed, RecipeWrong
from rl_trainer.imported.importing import Chosen, Imported, import_runs
from rl_trainer.imported.recorded import as_message, recorded_run
from rl_trainer.imported.reward_file import load_reward
from rl_trainer.run_folder import read_groups
from tests.rl_trainer.imported.conftest import Record

END = 256


class Bytes:
    """A renderer whose ids are bytes; an answer ends with one more."""

    stop = (END,)

    def prompt(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        return list("".join(f"<{each.role}>{each.content}" for each in messages).encode())

    def after(self, completion: Sequence[int], new: Sequence[Message]) -> list[int]:
        return self.prompt(new, ())

    def completion(self, message: Message) -> list[int]:
        return [*message.content.encode(), END]

    def parse(self, completion: Sequence[int]) -> Message:
        raise ActionMalformed("bytes are no actions")

    def text(self, ids: Sequence[int]) -> str:
        return bytes(id_ for id_ in ids if id_ != END).decode()


def reward_file(folder: Path, source: str) -> Path:
    file = folder / "reward.py"
    file.write_text(source)
    return file


RIGHT = 'def reward(run):\n    return 1.0 if run.answer == "5" else 0.0\n'


async def imported(chosen: Chosen | None = None, **how: Any) -> Imported:
    async with open_journal(journal_url(find_home())) as journal:
        return await import_runs(journal, chosen or Chosen(), **how)


async def test_a_recorded_run_becomes_turns_with_the_whole_prompt_of_every_call(record: Record) -> None:
    run_id = await record()
    found = await imported(writer=Bytes())
    (trajectory,) = found.groups[0].trajectories
    first, second = trajectory.turns
    assert trajectory.run_id == run_id
    told = Bytes().text(second.prompt)
    assert "What is 2 and 3?" in told
    assert "sums/add" in told
    assert '"sum":5' in told.replace(" ", "")
    assert second.prompt[: len(first.prompt)] == first.prompt
    assert json.loads(Bytes().text(second.completion)) == {"answer": "5"}
    assert second.completion[-1] == END
    assert first.purpose is Purpose.ACT


async def test_log_probabilities_are_zeros_and_marked_as_foreign(record: Record) -> None:
    await record()
    (trajectory,) = (await imported(writer=Bytes())).groups[0].trajectories
    assert trajectory.facts["foreign"] == 1.0
    assert trajectory.facts["calls"] == 1.0
    assert all(value == 0.0 for turn in trajectory.turns for value in turn.logprobs)


async def test_tries_of_the_same_goal_are_one_group_oldest_first(record: Record) -> None:
    runs = [await record(), await record(answer="6"), await record("What is 3 and 4?")]
    found = await imported()
    assert [[each.run_id for each in group.trajectories] for group in found.groups] == [runs[:2], runs[2:]]
    assert [each.member for each in found.groups[0].trajectories] == [0, 1]
    assert found.groups[0].trajectories[0].texts[-1] == '{"answer": "5"}'


async def test_a_reward_of_the_run_decides_what_has_passed(record: Record, tmp_path: Path) -> None:
    await record()
    await record(answer="6")
    found = await imported(score=load_reward(reward_file(tmp_path, RIGHT)))
    assert [(each.passed, each.rewards) for each in found.groups[0].trajectories] == [
        (True, {"reward": 1.0}),
        (False, {"reward": 0.0}),
    ]
    assert found.passed == 1


async def test_a_reward_of_the_trajectory_and_its_task_may_have_parts(record: Record, tmp_path: Path) -> None:
    await record()
    source = (
        "async def reward(trajectory, task):\n"
        "    return {'right': float('2' in task.goal), 'short': -0.1 * trajectory.facts['calls']}\n"
    )
    found = await imported(score=load_reward(reward_file(tmp_path, source)), pass_at=0.9)
    (trajectory,) = found.groups[0].trajectories
    assert trajectory.rewards == {"right": 1.0, "short": -0.1}
    assert trajectory.passed


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("def reward(run)\n    return 1.0\n", r"reward\.py:1: SyntaxError"),
        ("import nothing_of_that_name\n", r"reward\.py:1: ModuleNotFoundError"),
        ("score = 1\n", "no function `reward`"),
        ("def reward(a, b, c):\n    return 1\n", "takes 3 arguments"),
    ],
)
def test_a_reward_file_that_cannot_be_used_is_refused_with_its_line(tmp_path: Path, source: str, fault: str) -> None:
    with pytest.raises(RecipeWrong, match=fault):
        load_reward(reward_file(tmp_path, source))


async def test_a_reward_that_raises_stops_with_its_line_and_the_run(record: Record, tmp_path: Path) -> None:
    run_id = await record()
    source = "def reward(run):\n    values = {}\n    return values['missing']\n"
    with pytest.raises(RecipeWrong, match=rf"reward\.py:3: reward of run {run_id}: KeyError: 'missing'"):
        await imported(score=load_reward(reward_file(tmp_path, source)))


@pytest.mark.parametrize("value", ["'high'", "float('nan')", "{'part': None}"])
async def test_a_reward_that_is_no_number_is_refused(record: Record, tmp_path: Path, value: str) -> None:
    await record()
    with pytest.raises(RecipeWrong, match="no number"):
        await imported(score=load_reward(reward_file(tmp_path, f"def reward(run):\n    return {value}\n")))


async def test_runs_are_chosen_by_how_they_ended_and_when(record: Record) -> None:
    done = await record()
    await record("What is 9 and 9?", steps=0)
    everything = await imported(Chosen(status=None))
    assert everything.runs == 2
    assert [each.truncated for group in everything.groups for each in group.trajectories] == [False, True]
    assert [group.trajectories[0].run_id for group in (await imported()).groups] == [done]
    assert (await imported(Chosen(since=4e9))).runs == 0
    assert (await imported(Chosen(status=None, limit=1))).runs == 1


def test_the_command_writes_groups_that_the_trainer_reads(record: Record, home: Path, tmp_path: Path) -> None:
    asyncio.run(record())
    out = tmp_path / "runs.jsonl"
    reward = reward_file(tmp_path, RIGHT)
    ran = CliRunner().invoke(app, ["--home", str(home), "--reward", str(reward), "--out", str(out), "--json"])
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout) == {"runs": 1, "groups": 1, "passed": 1, "out": str(out)}
    (group,) = read_groups(out)
    assert group.solved == 1.0


def test_the_command_says_what_is_missing_to_learn_from_them(record: Record, home: Path, tmp_path: Path) -> None:
    asyncio.run(record())
    ran = CliRunner().invoke(app, ["--home", str(home), "--out", str(tmp_path / "runs.jsonl"), "--since", "7d"])
    assert "1 runs of 1 goals, 0 passed" in ran.stdout
    assert "without --reward" in ran.stderr
    assert "without --model" in ran.stderr


@pytest.mark.parametrize("arguments", [["--status", "finished"], ["--since", "yesterday"]])
def test_an_option_that_means_nothing_is_refused(home: Path, arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_tool_calls_of_the_journal_are_messages_again() -> None:
    text = '{"content":"so","tool_calls":[{"id":"1","name":"a/b","arguments":{"c":1}}]}'
    call = ToolCall(id="1", name="a/b", arguments={"c": 1})
    assert as_message(text) == Message(role="assistant", content="so", tool_calls=(call,))
    assert as_message('{"answer": "5"}').content == '{"answer": "5"}'


def test_a_journal_without_events_is_a_run_in_which_nothing_was_said() -> None:
    assert recorded_run("x", []).asked == ()
