"""`NoModel`: stands where a model would, for whoever only looks at runs or writes decisions down."""

from collections.abc import Sequence

from agent.errors import LlmUnavailable
from agent.llm import Answer, Ask, OnText, Profile
from agent.message import Message


class NoModel:
    """Answers nothing."""

    @property
    def id(self) -> str:
        return "none"

    @property
    def profile(self) -> Profile:
        return Profile()

    async def sample(self, messages: Sequence[Message], ask: Ask, *, on_text: OnText | None = None) -> Answer:
        raise LlmUnavailable("no language model was opened here: resume the run to go on with it")
