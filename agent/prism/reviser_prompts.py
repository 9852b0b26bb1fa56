"""What a model is told when it revises a memory or answers from one: (T, q, S, m, d), what changes least first."""

from collections.abc import Sequence

from agent.fence import FENCE_RULE, fenced, harmless
from agent.message import Message, system, user
from agent.prism.chunks import Chunk
from agent.prism.memory import Form, Memory
from agent.prism.proposal import Op, example
from agent.prism.schema import MemorySchema, schema_text

_TASK = (
    "You read a long text in pieces and keep a memory of what a task needs from it. You see the form of the memory, "
    "the memory so far and one piece. Say how the piece changes the memory, as JSON: "
)
_OPS: dict[Op, str] = {
    "add": "- add: puts a value at a path that is not there yet; what lies on the way is made. "
    'A list grows at the index "-".',
    "update": "- update: gives a path that is there a new value, where the piece changes or corrects it.",
}
_CARE = (
    "A path has field names, keys and indices. Take only what the task needs and the piece says, with names and "
    'numbers exactly as written. If it changes nothing, answer {"revisions":[]}.'
)
_ANSWER = (
    "A long text was read in pieces, and a memory kept of what the task needs. You see the form of the memory and the "
    "memory. Answer from it, short and exact. Say so where it does not have the answer."
)
_AMENDED = "Where lines are [path, value], a later line holds against an earlier one. "
_COUNTED = "Beside the key … stands how much more is remembered than is shown."
_A_BLOCK = 32
"""Lines of amendments in one message: full blocks never change again, so journals keep them once."""


def to_revise(question: str, memory: Memory, chunk: Chunk, *, form: Form, ops: Sequence[Op]) -> list[Message]:
    """The prompt for one chunk: task, question, schema, memory, chunk."""
    how = "\n".join([f"{_TASK}{example(memory.schema)}", *(_OPS[op] for op in ops), _CARE, FENCE_RULE])
    return [
        system(f"{how}\n\nThe task: {question}\n\n{form_told(memory.schema)}"),
        *memory_messages(memory, form),
        user(f"The piece:\n{_fenced(chunk)}\n\nThe revisions:", untrusted=chunk.untrusted),
    ]


def _fenced(chunk: Chunk) -> str:
    """All of it: it has the size that was asked for."""
    return fenced(chunk.text, chunk.source, limit=len(chunk.text))


def to_answer(question: str, memory: Memory, text: str) -> list[Message]:
    """The prompt for the answer; `text` is as much of the memory as it may see."""
    return [
        system(f"{_ANSWER}\n\n{form_told(memory.schema)}"),
        user(f"The memory. {_AMENDED}{_COUNTED}\n{harmless(text)}", untrusted=memory.untrusted),
        user(question),
    ]


def form_told(schema: MemorySchema) -> str:
    return (
        f"The form of the memory, as Python dataclasses (the whole of it is one {schema.root}):\n{schema_text(schema)}"
    )


def memory_messages(memory: Memory, form: Form) -> list[Message]:
    """The memory in messages, of which only the last can grow while nothing is folded.

    Values stand there as JSON, so no text of theirs can end the line that it stands on.
    """
    if form == "in-place":
        return [user(f"The memory so far. {_COUNTED}\n{harmless(memory.render(form))}", untrusted=memory.untrusted)]
    head = f"The memory so far. {_AMENDED}{_COUNTED}\n{memory.base}"
    lines = memory.log.split("\n") if memory.log else []
    blocks = ["\n".join(lines[start : start + _A_BLOCK]) for start in range(0, len(lines), _A_BLOCK)]
    return [user(harmless(text), untrusted=memory.untrusted) for text in (head, *blocks)]
