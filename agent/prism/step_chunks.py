"""Which steps of a run go into memory now, and in which pieces they are read."""

from collections.abc import Iterator
from dataclasses import dataclass

from agent.call import Step
from agent.prism.chunks import Chunk, chunked
from agent.prism.compaction import compact
from agent.state import RunState
from agent.tokens import count_tokens

_RAW = 2
"""So many of the last steps stay as they are: the next action most often follows from them."""
_MAX_ARGUMENTS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChunk:
    """A piece of one step, or several small steps. After it the first `steps` of the run are in memory."""

    chunk: Chunk
    steps: int


def steps_due(state: RunState) -> int:
    """How many of the run's steps memory should have: `state.remembered` where nothing is to be done.

    A result larger than a chunk goes at once. When all raw steps together outgrow `context_tokens`, all go but two.
    """
    sizes = [count_tokens(text_of(step)) for step in state.raw_steps]
    large = [number for number, size in enumerate(sizes, 1) if size > state.options.chunk_tokens]
    due = state.remembered + (large[-1] if large else 0)
    if sum(sizes) > state.options.context_tokens:
        due = max(due, len(state.steps) - _RAW)
    return due


def step_chunks(state: RunState, due: int) -> list[StepChunk]:
    """The steps that are not in memory yet, up to `due`, in pieces of `chunk_tokens`."""
    pieces: list[StepChunk] = []
    for number, step in enumerate(state.steps[state.remembered : due], state.remembered + 1):
        for piece in _pieces(step, state.options.chunk_tokens, number):
            joined = _joined(pieces[-1], piece, state.options.chunk_tokens) if pieces else None
            if joined:
                pieces[-1] = joined
            else:
                pieces.append(piece)
    return pieces


def _pieces(step: Step, tokens: int, number: int) -> Iterator[StepChunk]:
    head = f"{step.call.tool_id} {compact(step.call.arguments)[:_MAX_ARGUMENTS]}: {step.outcome.value}"
    texts = chunked(text_of(step), max(tokens - count_tokens(head), tokens // 2)) or ["(nothing)"]
    for part, text in enumerate(texts, 1):
        last = part == len(texts)
        source = step.call.id if len(texts) == 1 else f"{step.call.id}#{part}"
        place = "" if len(texts) == 1 else f" (part {part} of {len(texts)})"
        chunk = Chunk(text=f"{head}{place}\n{text}", source=source, untrusted=step.untrusted)
        yield StepChunk(chunk=chunk, steps=number if last else number - 1)


def _joined(first: StepChunk, second: StepChunk, tokens: int) -> StepChunk | None:
    """Two pieces as one, where they are small, whole and equally trusted."""
    text = f"{first.chunk.text}\n\n{second.chunk.text}"
    parts = "#" in f"{first.chunk.source}{second.chunk.source}"
    if parts or first.chunk.untrusted != second.chunk.untrusted or count_tokens(text) > tokens:
        return None
    source = f"{first.chunk.source} {second.chunk.source}"
    return StepChunk(chunk=Chunk(text=text, source=source, untrusted=first.chunk.untrusted), steps=second.steps)


def text_of(step: Step) -> str:
    """What the step gave, as text."""
    return step.text or ("" if step.structured is None else compact(step.structured))
