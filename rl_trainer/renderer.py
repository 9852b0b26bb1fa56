"""`Renderer`: between messages and token ids. Prompts of later turns begin with earlier ids verbatim."""

from collections.abc import Sequence
from typing import Protocol

from agent.message import Message
from retrieval.tool import ToolSpec


class Renderer(Protocol):
    """One way of writing conversations as ids: a chat template, or a small vocabulary of its own.

    Prefix property: `prompt(messages + [said, *new])` equals `prompt(messages) + completion + after(completion, new)`
    whenever `completion` is the canonical writing of `said`; what was really sampled is never tokenised again.
    """

    @property
    def stop(self) -> tuple[int, ...]:
        """Ids that end what the policy says."""
        ...

    def prompt(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        """The conversation up to where the policy is to speak."""
        ...

    def after(self, completion: Sequence[int], new: Sequence[Message]) -> list[int]:
        """What stands between a completion and the next: its end where it was cut off, the messages, the opening."""
        ...

    def parse(self, completion: Sequence[int]) -> Message:
        """What the policy said, as a message; a tool call where there is one.

        Raises:
            ActionMalformed: it is not one well-formed action; the message says what is wrong, for the policy to read.
        """
        ...

    def text(self, ids: Sequence[int]) -> str:
        """The ids for people to read."""
        ...
