"""A chat template as ids: later prompts begin with earlier ones, and what was said is read back."""

from typing import Any

import pytest

pytest.importorskip("transformers")

from agent.message import Message, ToolCall, system, user
from retrieval.tool import ToolSpec
from rl_trainer.chat_renderer import ChatRenderer
from rl_trainer.errors import ActionMalformed, BaseModelMissing

OPEN = ToolSpec(
    server="swe",
    name="open",
    description="Open a file",
    input_schema={"type": "object", "properties": {"path": {"type": "string"}}},
)
PLAIN = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NATIVE = "{% if tools %}{% for t in tools %}[{{ t | tojson }}]{% endfor %}\n{% endif %}" + PLAIN


def _tokenizer(template: str | None) -> Any:
    """Bytes as tokens, and the marks of a chat."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: place for place, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>")
    made.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    made.chat_template = template
    return made


def _said(text: str = "I look first.") -> Message:
    call = ToolCall(id="1", name="swe/open", arguments={"path": "a.py", "line": 3})
    return Message(role="assistant", content=text, tool_calls=(call,))


@pytest.fixture(params=[PLAIN, NATIVE], ids=["tools in words", "tools by the template"], scope="module")
def renderer(request: Any) -> ChatRenderer:
    return ChatRenderer(_tokenizer(request.param))


@pytest.mark.parametrize(
    "new",
    [
        [Message(role="tool", content="line 1\nüñí", tool_call_id="1")],
        [Message(role="tool", content="x", tool_call_id="1"), user("go on")],
        [user("That cannot be done")],
    ],
)
def test_the_next_prompt_goes_on_from_what_was_written(renderer: ChatRenderer, new: list[Message]) -> None:
    start = [system("Rules"), user("Goal: mend it")]
    said = renderer.completion(_said())
    prompt = renderer.prompt(start, [OPEN])
    whole = [*prompt, *said, *renderer.after(said, new)]
    assert whole == renderer.prompt([*start, _said(), *new], [OPEN])
    cut = said[:-1]
    assert [*prompt, *cut, *renderer.after(cut, new)] == whole, "where an answer was cut off its end is added"


def test_every_prompt_describes_the_tools(renderer: ChatRenderer) -> None:
    assert "Open a file" in renderer.text(renderer.prompt([user("Goal: x")], [OPEN]))
    assert "Open a file" in renderer.text(renderer.prompt([system("Rules"), user("Goal: x")], [OPEN]))


def test_what_was_said_is_read_back(renderer: ChatRenderer) -> None:
    assert renderer.parse(renderer.completion(_said())) == _said()
    assert renderer.completion(_said())[-1] in renderer.stop


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("I will think about it.", "no tool call"),
        ("<tool_call>\n{not json}\n</tool_call>", "JSON"),
        ('<tool_call>\n{"name": 3}\n</tool_call>', "name"),
        ('<tool_call>{"name": "a", "arguments": {}}</tool_call>' * 2, "one"),
    ],
)
def test_what_is_not_one_call_is_told_why(renderer: ChatRenderer, text: str, told: str) -> None:
    ids = [*renderer._ids(text), renderer.stop[0]]  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(ActionMalformed, match=told):
        renderer.parse(ids)


def test_a_model_without_a_template_is_refused() -> None:
    with pytest.raises(BaseModelMissing, match="chat template"):
        ChatRenderer(_tokenizer(None))
