"""Memories of free text, to compare with: one summary that is rewritten, and summaries of summaries."""

from collections.abc import Sequence

from agent.event import Summarised
from agent.fence import FENCE_RULE, fenced
from agent.llm import Ask, Purpose
from agent.message import Message, system, user
from agent.planner import Context
from agent.prism.chunks import Chunk
from agent.prism.reviser import Sample
from agent.prism.step_chunks import step_chunks, steps_due
from agent.state import RunState
from agent.tokens import count_tokens

_UPDATE = (
    "You read a long text in pieces and keep a summary of what a task needs from it. You see the summary so far and "
    "one piece. Write the new summary: everything of the old one that still holds, changed and extended by the "
    "piece, with names and numbers exactly as written."
)
_SUMMARISE = (
    "Summarise the piece for the task: everything that the task needs, with names and numbers exactly as written, and "
    "nothing else."
)
_MERGE = (
    "These are summaries of neighbouring pieces of a long text, in their order. Make them one summary for the task. "
    "Where they contradict each other, the later one holds."
)
SUMMARY_TOKENS = 1_500


class IncrementalKeeper:
    """One summary, rewritten with every piece (incremental merging)."""

    async def keep(self, context: Context) -> None:
        due = steps_due(context.state)
        for piece in step_chunks(context.state, due):
            text = await updated(context.state.summary, piece.chunk, context.state.goal, context.sample)
            context.emit(Summarised(text=text, steps=piece.steps))

    def shown(self, state: RunState) -> list[Message]:
        return _shown(state)


class HierarchicalKeeper:
    """A summary of every piece; neighbours are merged until one is left (hierarchical merging)."""

    async def keep(self, context: Context) -> None:
        state = context.state
        pieces = step_chunks(state, steps_due(state))
        if not pieces:
            return
        summaries = [state.summary] if state.summary else []
        summaries += [await summarised(piece.chunk, state.goal, context.sample) for piece in pieces]
        text = await merged(summaries, state.goal, context.sample, tokens=state.options.chunk_tokens)
        context.emit(Summarised(text=text, steps=pieces[-1].steps))

    def shown(self, state: RunState) -> list[Message]:
        return _shown(state)


def _shown(state: RunState) -> list[Message]:
    if not state.summary:
        return []
    untrusted = any(step.untrusted for step in state.steps[: state.remembered])
    return [user(f"A summary of earlier results:\n{fenced(state.summary, 'memory')}", untrusted=untrusted)]


async def updated(summary: str, chunk: Chunk, question: str, sample: Sample, tokens: int = SUMMARY_TOKENS) -> str:
    """The summary with the chunk in it."""
    prompt = [
        system(f"{_UPDATE}\n{FENCE_RULE}\n\nThe task: {question}"),
        user(f"The summary so far:\n{fenced(summary, 'memory', limit=len(summary))}", untrusted=chunk.untrusted),
        user(f"The piece:\n{fenced(chunk.text, chunk.source, limit=len(chunk.text))}", untrusted=chunk.untrusted),
    ]
    return (await sample(prompt, Ask(purpose=Purpose.SUMMARISE, max_tokens=tokens))).text


async def summarised(chunk: Chunk, question: str, sample: Sample, tokens: int = SUMMARY_TOKENS) -> str:
    """A summary of the chunk alone."""
    prompt = [
        system(f"{_SUMMARISE}\n{FENCE_RULE}\n\nThe task: {question}"),
        user(f"The piece:\n{fenced(chunk.text, chunk.source, limit=len(chunk.text))}", untrusted=chunk.untrusted),
    ]
    return (await sample(prompt, Ask(purpose=Purpose.SUMMARISE, max_tokens=tokens))).text


async def merged(
    summaries: Sequence[str], question: str, sample: Sample, *, tokens: int, summary_tokens: int = SUMMARY_TOKENS
) -> str:
    """One summary of several: level by level, as many neighbours at once as `tokens` hold, two at least."""
    while len(summaries) > 1:
        summaries = [
            group[0] if len(group) == 1 else await _merge(group, question, sample, summary_tokens)
            for group in _grouped(summaries, tokens)
        ]
    return summaries[0]


def _grouped(summaries: Sequence[str], tokens: int) -> list[list[str]]:
    groups: list[list[str]] = []
    for text in summaries:
        full = not groups or (len(groups[-1]) > 1 and count_tokens("".join([*groups[-1], text])) > tokens)
        if full:
            groups.append([text])
        else:
            groups[-1].append(text)
    return groups


async def _merge(group: Sequence[str], question: str, sample: Sample, tokens: int) -> str:
    texts = "\n\n".join(fenced(text, f"summary-{number}", limit=len(text)) for number, text in enumerate(group, 1))
    prompt = [system(f"{_MERGE}\n{FENCE_RULE}\n\nThe task: {question}"), user(texts, untrusted=True)]
    return (await sample(prompt, Ask(purpose=Purpose.SUMMARISE, max_tokens=tokens))).text
