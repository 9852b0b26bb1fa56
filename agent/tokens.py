"""How many tokens a text will take, cheaply, for budgets that are set before a call. The endpoint says what it took."""

from collections.abc import Iterable

from agent.message import Message

_BYTES_A_TOKEN = 4
_A_MESSAGE = 4
"""What chat templates put around one message: a role and two or three marks."""


def count_tokens(text: str) -> int:
    """An estimate: one token for four bytes of UTF-8, rounded up.

    English prose takes about four characters a token, and languages that are written in more bytes a character take
    more tokens a character. JSON, code and identifiers take more tokens than this says, up to twice as many.
    """
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return -(-size // _BYTES_A_TOKEN)


def count_message_tokens(messages: Iterable[Message]) -> int:
    """An estimate for a whole prompt: contents, tool calls, and what stands around each message."""
    return sum(_A_MESSAGE + count_tokens(message.content) + _call_tokens(message) for message in messages)


def _call_tokens(message: Message) -> int:
    return sum(count_tokens(call.name) + count_tokens(str(call.arguments)) for call in message.tool_calls)
