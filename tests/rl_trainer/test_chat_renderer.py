"""Conversations by a model's own chat template, with and without a word for tools."""
# pyright: basic, reportMissingImports=false

import json
from typing import Any

import pytest

pytest.importorskip("transformers")

from agent.message import Message, ToolCall
from retrieval.tool import ToolSpec
from rl_trainer.chat_renderer import ChatRenderer
from rl_trainer.errors import ActionMalformed, BaseModelMissing
from rl_trainer.renderer import Renderer

_TURNS = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_TOOLS = "{% if tools %}{{ '<|im_start|>system\nTools:\n' + (tools | tojson) + '<|im_end|>\n' }}{% endif %}"
TOOL = ToolSpec(server="swe", name="open", description="Open a file.", input_schema={"type": "object"})
ASKED = [Message(role="system", content="Rules."), Message(role="user", content="Mend it.")]
SAID = Message(
    role="assistant",
    content="I look.",
    tool_calls=(ToolCall(id="1", name="swe/open", arguments={"path": "ä.py", "lines": [1, 2]}),),
)
SEEN = Message(role="tool", content="1: x = 1", tool_call_id="1")


def _renderer(template: str) -> ChatRenderer:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = {letter: id_ for id_, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    made = Tokenizer(models.BPE(vocab=letters, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)  # type: ignore[assignment]
    made.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    made.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|im_end|>")
    tokenizer.chat_template = template or None
    return ChatRenderer(tokenizer)


@pytest.fixture(params=[_TOOLS + _TURNS, _TURNS], ids=["a word for tools", "none"])
def renderer(request: Any) -> Renderer:
    return _renderer(request.param)


def test_later_prompts_begin_with_earlier_ids_and_what_was_said(renderer: ChatRenderer) -> None:
    first, said = renderer.prompt(ASKED, [TOOL]), renderer.completion(SAID)
    assert renderer.prompt([*ASKED, SAID, SEEN], [TOOL]) == [*first, *said, *renderer.after(said, [SEEN])]


def test_an_answer_that_was_cut_off_is_ended_before_what_comes_next(renderer: ChatRenderer) -> None:
    whole = renderer.completion(SAID)
    assert [*whole, *renderer.after(whole, [SEEN])] == [*whole[:-1], *renderer.after(whole[:-1], [SEEN])]


def test_what_was_said_is_read_back(renderer: ChatRenderer) -> None:
    read = renderer.parse(renderer.completion(SAID))
    assert (read.content, read.tool_calls) == (SAID.content, SAID.tool_calls)
    assert renderer.completion(SAID)[-1] in renderer.stop


def test_tools_are_told_in_either_case(renderer: ChatRenderer) -> None:
    assert renderer.text(renderer.prompt(ASKED, [TOOL])).count("Open a file.") == 1


def test_bare_json_of_small_models_is_read_and_words_alone_are_not(renderer: ChatRenderer) -> None:
    wanted = {"name": "swe/open", "arguments": {"path": "a.py"}}
    bare = renderer.completion(Message(role="assistant", content=json.dumps(wanted)))
    assert renderer.parse(bare).tool_calls[0].arguments == {"path": "a.py"}
    with pytest.raises(ActionMalformed):
        renderer.parse(renderer.completion(Message(role="assistant", content="I would open a.py.")))


def test_a_model_without_a_chat_template_is_refused() -> None:
    with pytest.raises(BaseModelMissing, match="chat template"):
        _renderer("")
