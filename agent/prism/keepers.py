"""`PrismKeeper`: a run's results stream through a typed memory when they outgrow a prompt. And one that keeps all."""

from agent.event import Folded, Noted, SchemaChosen
from agent.event import Revised as RevisedEvent
from agent.message import Message, user
from agent.planner import Context
from agent.prism.folding import folded_if_due
from agent.prism.memory import Memory, memory_of
from agent.prism.reviser import Reviser
from agent.prism.reviser_prompts import form_told, memory_messages
from agent.prism.schema_maker import schema_for
from agent.prism.step_chunks import StepChunk, step_chunks, steps_due
from agent.state import RunState
from agent.tokens import count_tokens

_PROMPTS_A_STEP = 2
"""How often a planner shows the memory for each step that it may still take, about."""


class FullKeeper:
    """Every step stays in every prompt as it is."""

    async def keep(self, context: Context) -> None:
        del context

    def shown(self, state: RunState) -> list[Message]:
        del state
        return []


class PrismKeeper:
    """Reads steps into a typed memory, chunk by chunk, when they outgrow their bound; the newest stay raw."""

    async def keep(self, context: Context) -> None:
        due = steps_due(context.state)
        if due <= context.state.remembered:
            return
        memory = await _memory(context)
        reviser = Reviser(
            sample=context.sample,
            profile=context.profile,
            question=context.state.goal,
            form=context.state.options.memory_form,
        )
        read_before = {entry.source for entry in context.state.entries}
        pieces = step_chunks(context.state, due)
        for number, piece in enumerate(pieces):
            # After a crash in the middle of a large result, what was read of it is not read again.
            if piece.chunk.source in read_before:
                context.emit(RevisedEvent(entries=(), steps=piece.steps))
                continue
            memory = await _read(context, reviser, memory, piece)
            memory = _folded(context, memory, len(pieces) - number - 1)

    def shown(self, state: RunState) -> list[Message]:
        memory = memory_of(state)
        if memory is None or not memory.entries:
            return []
        head = user(f"Earlier results were read into a memory. {form_told(memory.schema)}")
        return [head, *memory_messages(memory, state.options.memory_form)]


async def _memory(context: Context) -> Memory:
    memory = memory_of(context.state)
    if memory is None:
        chosen = await schema_for(context.state.goal, context.sample, context.profile)
        context.emit(SchemaChosen(name=chosen.name, source=chosen.source))
        if chosen.why:
            context.emit(Noted(text=f"The memory has the schema {chosen.name}: the model's own failed ({chosen.why})"))
        memory = memory_of(context.state)
    assert memory is not None
    return memory


async def _read(context: Context, reviser: Reviser, memory: Memory, piece: StepChunk) -> Memory:
    revised = await reviser.read(memory, piece.chunk)
    reasons = tuple(rejection.reason for rejection in revised.rejected)
    context.emit(RevisedEvent(entries=revised.entries, rejected=reasons, steps=piece.steps))
    return revised.memory


def _folded(context: Context, memory: Memory, chunks_left: int) -> Memory:
    state = context.state
    if state.options.memory_form == "in-place":
        return memory
    calls_left = chunks_left + _PROMPTS_A_STEP * max(0, state.options.max_steps - state.calls_made)
    folded = folded_if_due(memory, cache_price=context.profile.cache_price, calls_left=calls_left)
    if folded is None:
        return memory
    before, after = count_tokens(memory.render()), count_tokens(folded.render())
    context.emit(Folded(before=before, after=after))
    return folded
