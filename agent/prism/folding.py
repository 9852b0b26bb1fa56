"""When the log of amendments is rewritten as one value: a cache miss now, for shorter prompts from then on."""

from agent.llm import Profile
from agent.prism.memory import Memory
from agent.tokens import count_tokens
from agent.usage import Usage

_LEAST = 256
"""Tokens that folding must save: less is not worth a miss."""
_SLACK = 1.5


def folded_if_due(memory: Memory, *, cache_price: float, calls_left: int) -> Memory | None:
    """The memory folded, where that pays or must be; None where the log stays.

    Folding costs one cache miss, (1 - a) L_fold; not folding costs a (L_log - L_fold) with every prompt, a being the
    price of a cached token relative to an encoded one and L the tokens of the text. It pays when the R calls to come
    cost more than the miss, and those since the last fold have cost as much: folding sooner pays for misses that the
    next fold makes worthless (so does the classical lot size: both costs are then equal). It must be when the log is
    1.5 times as long as its value, or over the memory's budget.
    """
    if over := folded_if_over(memory):
        return over
    log, calls = count_tokens(memory.render()), _calls_since_fold(memory)

    def due(short: int) -> bool:
        saved, miss = log - short, (1 - cache_price) * short
        paid = cache_price * calls * saved / 2  # what would be saved has grown from nothing, about evenly
        pays = miss <= paid and miss < cache_price * calls_left * saved
        return saved >= _LEAST and (pays or log > _SLACK * short)

    # A value seldom gets shorter: if it would not pay at its old length, it need not be made to know.
    if not due(count_tokens(memory.base)):
        return None
    folded = memory.fold()
    return folded if due(count_tokens(folded.render())) else None


def _calls_since_fold(memory: Memory) -> int:
    """In how many calls the log has been read, about: one for each chunk that it is from."""
    return len({entry.source for entry in memory.entries[memory.folded :]})


def folded_if_over(memory: Memory) -> Memory | None:
    """The memory folded, where its text is over its budget and folding makes it shorter."""
    size = count_tokens(memory.render())
    if memory.budget is None or size <= memory.budget:
        return None
    folded = memory.fold()
    return folded if count_tokens(folded.render()) < size else None


def measured_cache_price(profile: Profile, used: Usage, shared: int) -> float:
    """What a token of a shared prefix has cost so far, relative to an encoded one.

    shared: how many tokens of all prompts began as the prompt before. An endpoint that had none of them has no cache
    for us, whatever it promises; before 4,000 shared tokens its word is taken.
    """
    if shared < 4_000 or used.encoded == 0:
        return profile.cache_price
    had = min(1.0, used.cached / shared)
    return profile.cache_price * had + (1 - had)
