"""The scripted expert mends real tasks through the real tools."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.message import Message, ToolCall
from retrieval.tool import ToolSpec
from rl_trainer.environments.swe.editing import edited, joined, lines_of
from rl_trainer.environments.swe.environment import SweEnvironment
from rl_trainer.environments.swe.lesson import changes, lesson
from rl_trainer.environments.swe.task import SweTask, swe_task
from rl_trainer.environments.swe.teacher import demonstrations
from rl_trainer.errors import RecipeWrong
from rl_trainer.rewards import RewardSettings, RunLimits, reward_of
from rl_trainer.rollout import Rig
from rl_trainer.rollout_settings import RolloutSettings
from rl_trainer.samples import imitation_samples
from rl_trainer.task import Task
from rl_trainer.tasks.loading import load_tasks

SAMPLES = Path(__file__).parents[3] / "data" / "swe" / "exercism_bugs.jsonl"
_END = 256


class Bytes:
    """A renderer whose ids are bytes: JSON lines, each closed by an id of its own."""

    stop = (_END,)

    def prompt(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        return [id_ for message in messages for id_ in self._line(message)]

    def after(self, completion: Sequence[int], new: Sequence[Message]) -> list[int]:
        return self.prompt(new, ())

    def completion(self, message: Message) -> list[int]:
        (call,) = message.tool_calls
        said = {"said": message.content, "name": call.name, "arguments": call.arguments}
        return [*json.dumps(said).encode(), _END]

    def parse(self, completion: Sequence[int]) -> Message:
        said = json.loads(self.text(completion))
        call = ToolCall(id="1", name=said["name"], arguments=said["arguments"])
        return Message(role="assistant", content=said["said"], tool_calls=(call,))

    def text(self, ids: Sequence[int]) -> str:
        return bytes(id_ for id_ in ids if id_ != _END).decode()

    def _line(self, message: Message) -> list[int]:
        return [*f"{message.role}: {message.content}\n".encode(), _END]


class Nobody:
    """A policy that is never asked."""

    id, version = "nobody", 0


def _rig(environment: SweEnvironment) -> Rig:
    chosen = RolloutSettings(group=1, turns=12, concurrency=2)
    reward = reward_of(RewardSettings(), RunLimits(turns=chosen.turns))
    renderer: Any = Bytes()
    policy: Any = Nobody()
    return Rig(environments={"swe": environment}, policy=policy, renderer=renderer, reward=reward, settings=chosen)


def _called(said: Sequence[Message]) -> list[str]:
    return [message.tool_calls[0].name.removeprefix("swe/") for message in said]


def test_an_expert_that_is_always_right_solves_the_task_and_says_that_it_was_scripted(
    environment: SweEnvironment, task: Task
) -> None:
    (group,) = asyncio.run(demonstrations([task], _rig(environment), seed="0", share_right=1.0))
    (run,) = group.trajectories
    assert run.passed
    assert (run.status, run.facts["scripted"], run.facts["tested_before_submit"]) == ("done", 1.0, 1.0)
    assert run.facts["errors"] == run.facts["rerendered"] == 0.0
    assert not any(any(turn.logprobs) for turn in run.turns)


def test_an_expert_that_errs_at_first_sees_it_in_the_tests_and_mends_it(
    environment: SweEnvironment, task: Task
) -> None:
    said = lesson(task, "0", 0.0, turns=12)
    assert _called(said)[-6:] in (
        ["open", "edit", "shell", "edit", "shell", "submit"],
        ["open", "edit", "shell", "replace", "shell", "submit"],
        ["open", "replace", "shell", "edit", "shell", "submit"],
        ["open", "replace", "shell", "replace", "shell", "submit"],
    )
    (group,) = asyncio.run(demonstrations([task], _rig(environment), seed="0", share_right=0.0))
    (run,) = group.trajectories
    assert run.passed
    assert run.facts["edits"] >= 2
    assert any("FAILED" in seen for seen in run.observations)
    (sample,) = imitation_samples([run])
    assert sample.learnt == sum(len(turn.completion) for turn in run.turns)


def test_every_sample_task_has_a_lesson_whose_edits_lead_to_the_right_files() -> None:
    tasks = list(load_tasks(SAMPLES))
    assert len(tasks) > 3
    for task in tasks:
        for seed in range(3):
            for share in (0.0, 1.0):
                said = lesson(task, str(seed), share, turns=12)
                assert _called(said)[-1] == "submit"
                assert _after(swe_task(task), said) == swe_task(task).gold_files


def test_a_lesson_is_the_same_for_the_same_seed_and_leaves_tests_out_where_turns_are_few(task: Task) -> None:
    assert lesson(task, "7", 0.5, turns=12) == lesson(task, "7", 0.5, turns=12)
    assert len({str(lesson(task, str(seed), 0.5, turns=12)) for seed in range(12)}) > 2
    assert _called(lesson(task, "0", 1.0, turns=3))[-1] == "submit"
    assert "shell" not in _called(lesson(task, "0", 1.0, turns=3))


def test_tasks_without_right_files_have_no_expert(environment: SweEnvironment, bug: SweTask) -> None:
    data = {name: value for name, value in bug.to_data().items() if name != "gold_files"}
    task = Task(id="unknown", goal="Mend it.", environment="swe", data=data)
    with pytest.raises(RecipeWrong, match="no expert"):
        asyncio.run(demonstrations([task], _rig(environment), seed="0", share_right=1.0))


@given(
    st.lists(st.sampled_from(["a = 1", "b = 2", "", "    c"]), max_size=8),
    st.lists(st.sampled_from(["a = 1", "b = 2", "", "if a:"]), max_size=8),
)
def test_changes_made_from_below_give_the_other_text(old: list[str], new: list[str]) -> None:
    text = joined(old)
    for change in reversed(changes(joined(old), joined(new))):
        text = edited(text, change.start, change.end, joined(list(change.lines)))
    assert text == joined(new)


def _after(task: SweTask, said: Sequence[Message]) -> dict[str, str | None]:
    """The files that a lesson's edits change, as the tools would leave them."""
    files, path = dict(task.files), ""
    for call in (message.tool_calls[0] for message in said):
        given_ = call.arguments
        match call.name.removeprefix("swe/"):
            case "open":
                path = given_["path"]
            case "edit":
                files[path] = edited(files[path], given_["start"], given_["end"], given_["text"])
            case "replace":
                assert files[path].count(given_["old"]) == 1
                files[path] = files[path].replace(given_["old"], given_["new"])
            case _:
                pass
    return {each: joined(lines_of(files[each])) for each in task.gold_files}
