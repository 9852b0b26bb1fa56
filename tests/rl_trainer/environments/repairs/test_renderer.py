import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.message import Message, assistant, system, user
from rl_trainer.environments.repairs.renderer import RepairRenderer
from rl_trainer.environments.repairs.tools import TOOLS
from rl_trainer.environments.repairs.vocabulary import IDS, WORDS
from rl_trainer.errors import ActionMalformed
from rl_trainer.renderer import Renderer
from rl_trainer.task import Task
from tests.rl_trainer.environments.repairs.conftest import ids_of, run_script

RENDERER: Renderer = RepairRenderer()
_LEGAL = ("view", "test", "edit 4: if x < 2 :", "edit 2: return s", "edit 1: s = 0", "edit 6: = = =", "edit 3: view")


async def test_every_prompt_of_a_real_run_goes_on_from_the_ids_before_it(task: Task) -> None:
    drawn = random.Random(1)
    for _ in range(6):
        actions = [*drawn.choices(_LEGAL, k=5), "submit"]
        _, script, _ = await run_script(task, actions)
        prompts = [RENDERER.prompt(messages, ask.tools) for messages, ask in script.asked]
        assert len(prompts) == 6
        for turn, (before, now) in enumerate(itertools.pairwise(prompts)):
            new = script.asked[turn + 1][0][len(script.asked[turn][0]) + 1 :]
            assert now == [*before, *script.says[turn], *RENDERER.after(script.says[turn], new)]
        assert len(prompts[-1]) < 160


async def test_a_prompt_has_the_words_of_the_goal_and_what_the_tools_said(task: Task) -> None:
    _, script, _ = await run_script(task, ["view", "edit 4: if x", "test", "submit"])
    text = RENDERER.text(RENDERER.prompt(script.asked[-1][0], ()))
    shown = " ".join(f"{number}: {line}" for number, line in enumerate(task.data["lines"], start=1))
    shown = shown.replace("def f(a): ", "").replace(" :", "")
    assert text.startswith(f"<goal> {task.goal} <act> view <end> <seen> {shown} <act> edit 4: if x <end>")
    assert "<end> <seen> <error> syntax <act> test <end> <seen> passed " in text
    assert text.endswith(" 6 <act>")


@given(st.lists(st.integers(min_value=0, max_value=len(WORDS) - 1), max_size=12))
def test_whatever_a_policy_samples_is_an_action_or_is_told_to_be_none(ids: list[int]) -> None:
    try:
        said = RENDERER.parse(ids)
    except ActionMalformed:
        said = assistant(RENDERER.text(ids))
    goal = [system("rules"), user("Goal: one all")]
    new = [user("That cannot be done")]
    if IDS["<end>"] not in ids[:-1]:
        whole = [*RENDERER.prompt(goal, TOOLS), *ids, *RENDERER.after(ids, new)]
        assert RENDERER.prompt([*goal, said, *new], TOOLS) == whole


@pytest.mark.parametrize(
    "words",
    ["", "view", "<end>", "edit <end>", "edit 4: <end>", "view view <end>", "edit 4: <pad> <end>", "zero <end>"],
)
def test_what_is_not_one_action_is_malformed(words: str) -> None:
    with pytest.raises(ActionMalformed):
        RENDERER.parse(ids_of(words))


def test_an_id_beyond_the_vocabulary_is_malformed_and_can_be_shown() -> None:
    with pytest.raises(ActionMalformed):
        RENDERER.parse([len(WORDS), IDS["<end>"]])
    assert RENDERER.text([len(WORDS)]) == f"<{len(WORDS)}>"


def test_an_edit_is_read_with_its_line_and_content() -> None:
    (call,) = RENDERER.parse(ids_of("edit 4: if x % 2 == 0 : <end>")).tool_calls
    assert (call.name, call.arguments) == ("repairs/edit", {"line": 4, "content": "if x % 2 == 0"})


def test_a_line_written_with_other_spaces_has_the_same_ids() -> None:
    (call,) = RENDERER.parse(ids_of("edit 4: if x > 2 : <end>")).tool_calls
    other = Message(
        role="assistant", tool_calls=(type(call)(id="9", name=call.name, arguments={"line": 4, "content": "if x>2:"}),)
    )
    assert RepairRenderer().completion(other) == ids_of("edit 4: if x > 2 : <end>")


def test_the_agent_is_told_of_a_mistake_in_two_ids() -> None:
    assert RENDERER.after(ids_of("zero <end>"), [user("That cannot be done: why")]) == ids_of("<seen> <error> <act>")


def test_the_vocabulary_is_small_and_has_no_word_twice() -> None:
    assert len(WORDS) == len(IDS) <= 100
