# pyright: reportMissingImports=false
"""`ChatRenderer`: conversations by a model's own chat template, actions as its own tool calls.

A policy that is trained with it is served by any OpenAI-compatible server that uses the same template. Where a template
has no word for tools, they are described in the system message, and an action is written in the same form.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.message import Message
from retrieval.tool import ToolSpec, canonical_json
from rl_trainer.errors import BaseModelMissing, TrainingToolsMissing
from rl_trainer.renderer import Renderer
from rl_trainer.tool_calls import call_in

_MARK = "\u241f"
"""Stands for what was said while the template is asked what comes after it."""
_FORM = (
    "Think in a few words, then call exactly one tool, as JSON between tags:\n"
    '<tool_call>\n{"name": "server/tool", "arguments": {...}}\n</tool_call>'
)


class ChatRenderer:
    """Over a transformers tokenizer with a chat template.

    Raises:
        BaseModelMissing: the tokenizer has no chat template.
    """

    def __init__(self, tokenizer: Any) -> None:
        if not getattr(tokenizer, "chat_template", None):
            raise BaseModelMissing("the model's tokenizer has no chat template: train an instruction-tuned model")
        self._tokenizer = tokenizer
        probe = ToolSpec(server="probe", name="probe", description="probe")
        plain = self._text([Message(role="user", content="?")], ())
        self._native = "probe/probe" in self._text([Message(role="user", content="?")], (probe,)) and bool(plain)
        self._stop = tuple(sorted({int(tokenizer.eos_token_id), *self._ends()}))

    @property
    def stop(self) -> tuple[int, ...]:
        return self._stop

    def prompt(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        return self._ids(self._text(self._told(messages, tools), tools if self._native else ()))

    def after(self, completion: Sequence[int], new: Sequence[Message]) -> list[int]:
        """What the template writes behind an answer: asked with a mark in the answer's place."""
        shown = [Message(role="user", content="?"), Message(role="assistant", content=_MARK), *new]
        ids = self._ids(self._text(shown, ()).rpartition(_MARK)[2])
        ended = completion and completion[-1] in self._stop
        return ids[1:] if ended and ids and ids[0] in self._stop else ids

    def parse(self, completion: Sequence[int]) -> Message:
        ids = [id_ for id_ in completion if id_ not in self._stop]
        text = self._tokenizer.decode(ids, skip_special_tokens=False).strip()
        said, call = call_in(text)
        return Message(role="assistant", content=said, tool_calls=(call,))

    def text(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(list(ids), skip_special_tokens=False)

    def completion(self, message: Message) -> list[int]:
        """The canonical ids of what was said: how a teacher's words are learnt."""
        calls = "".join(
            f"\n<tool_call>\n{json.dumps({'name': call.name, 'arguments': call.arguments})}\n</tool_call>"
            for call in message.tool_calls
        )
        return [*self._ids(f"{message.content}{calls}".lstrip("\n")), self._ends()[0]]

    def _told(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[Message]:
        if self._native or not tools:
            return list(messages)
        cards = "\n".join(canonical_json(_card(tool)) for tool in tools)
        first, *rest = messages
        told = Message(role="system", content=f"{first.content}\n\n{_FORM}\n\nTools:\n{cards}")
        return [told, *rest] if first.role == "system" else [told, *messages]

    def _text(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> str:
        shown = [self._plain(message) for message in messages]
        given = {"tools": [{"type": "function", "function": _card(tool)} for tool in tools]} if tools else {}
        return self._tokenizer.apply_chat_template(shown, tokenize=False, add_generation_prompt=True, **given)

    def _plain(self, message: Message) -> dict[str, Any]:
        plain: dict[str, Any] = {"role": message.role, "content": message.content}
        if message.role == "tool" and not getattr(self, "_native", True):
            plain["role"] = "user"  # the template would make up a role that the model has never seen
        if message.tool_calls:
            text = "".join(
                f"\n<tool_call>\n{json.dumps({'name': call.name, 'arguments': call.arguments})}\n</tool_call>"
                for call in message.tool_calls
            )
            plain["content"] = f"{message.content}{text}".lstrip("\n")
        return plain

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _ends(self) -> list[int]:
        """What the template writes right after an answer."""
        shown = [Message(role="user", content="?"), Message(role="assistant", content=_MARK), Message(role="user")]
        behind = self._ids(self._text(shown, ()).rpartition(_MARK)[2])
        return behind[:1]


def _card(tool: ToolSpec) -> dict[str, Any]:
    return {"name": tool.tool_id, "description": tool.description, "parameters": tool.input_schema}


def open_tokenizer(name: str) -> Any:
    """The tokenizer of a model: a folder, a name on the hub, or a *.gguf file.

    Raises:
        BaseModelMissing: there is none.
    """
    try:
        from transformers import AutoTokenizer
    except ModuleNotFoundError as error:
        raise TrainingToolsMissing(f"{error.name} is not installed: pip install 'quartermaster[train]'") from error
    file = Path(name)
    try:
        if name.endswith(".gguf"):
            return AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
        return AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise BaseModelMissing(f"model {name!r} has no tokenizer that can be read: {error}") from error


def renderer_for(tokenizer: Any) -> Renderer:
    """The renderer of a tokenizer."""
    return ChatRenderer(tokenizer)
