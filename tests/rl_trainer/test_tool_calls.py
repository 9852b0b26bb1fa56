"""What counts as one tool call in a chat model's answer."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_trainer.errors import ActionMalformed
from rl_trainer.tool_calls import call_in

_OPEN = '{"name": "swe/open", "arguments": {"path": "a.py"}}'


@pytest.mark.parametrize(
    "text",
    [
        _OPEN,
        f"<tool_call>\n{_OPEN}\n</tool_call>",
        f"<tool_call>{_OPEN}",
        f"```json\n{_OPEN}\n```",
        f"```\n{_OPEN}```",
        '{"name": "swe/open", "parameters": {"path": "a.py"}}',
        '{"name": "swe/open", "arguments": "{\\"path\\": \\"a.py\\"}"}',
        f'{{"type": "function", "function": {_OPEN}}}',
    ],
)
def test_the_usual_forms_are_all_read(text: str) -> None:
    said, call = call_in(f"I look at it.\n{text}")
    assert (said, call.name, call.arguments) == ("I look at it.", "swe/open", {"path": "a.py"})
    assert call_in(text)[0] == ""


def test_a_call_without_arguments_may_leave_them_out_and_texts_may_hold_line_ends() -> None:
    assert call_in('{"name": "swe/submit"}')[1].arguments == {}
    assert (
        call_in('<tool_call>{"name": "x/y", "arguments": {"text": "a\nb"}}</tool_call>')[1].arguments["text"] == "a\nb"
    )


def test_what_stands_in_an_argument_is_no_second_call() -> None:
    inner = f"<tool_call>{_OPEN}</tool_call>"
    text = json.dumps({"name": "swe/create", "arguments": {"path": "b.json", "content": inner}})
    assert call_in(f"<tool_call>\n{text}\n</tool_call>")[1].arguments["content"] == inner
    assert call_in(text if "<tool_call>" not in text else f"<tool_call>{text}")[1].name == "swe/create"


def test_json_that_is_no_call_is_not_taken_for_one() -> None:
    assert call_in(f'The file has {{"a": 1}}.\n{_OPEN}')[1].name == "swe/open"
    with pytest.raises(ActionMalformed, match="no tool call"):
        call_in('The file has {"a": 1}.')


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("I would open a.py.", "no tool call"),
        ("", "no tool call"),
        (f"{_OPEN}\n{_OPEN}", "2 tool calls"),
        (f"<tool_call>{_OPEN}</tool_call><tool_call>{_OPEN}</tool_call>", "2 tool calls"),
        ('{"name": "swe/open", "arguments": {"path": "a.py"}', "not JSON"),
        ("<tool_call>swe/open a.py</tool_call>", "not JSON"),
        ('{"name": "swe/open", "arguments": {}, "parameters": {}}', "both"),
        ('{"name": "swe/open", "arguments": "a.py"}', "no JSON"),
        ('{"name": "swe/open", "arguments": {"line": NaN}}', "not JSON"),
        ('{"name": "swe/open", "arguments": {"path": "\\ud800"}}', "half a character"),
        ('{"name": ' + "[" * 100_000, "not JSON"),
        ('{"name": "swe/open", "arguments": ["a.py"]}', "no object"),
        ('{"name": "swe/open", "path": "a.py"}', "a tool call is"),
    ],
)
def test_what_could_mean_two_things_or_nothing_is_told_back(text: str, why: str) -> None:
    with pytest.raises(ActionMalformed, match=why):
        call_in(text)


@given(st.text(alphabet='{}[]"<>tool_calname:1,\\\n `', max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(ActionMalformed):
        call_in(text)
