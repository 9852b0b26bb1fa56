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

    Folding pays when its one miss costs less than what every later prompt saves: (1 - a) L_fold < a R (L_log - L_fold),
    with a the price of a cached token relative to an encoded one, R the calls to come, and L the tokens of the text. It
    must be when the log is 1.5 times as long as its value, or over the memory's budget.
    """
    log = count_tokens(memory.render())
    over = memory.budget is not None and log > memory.budget
    if not over and count_tokens(memory.log) < _LEAST:
        return None
    folded = memory.fold()
    short = count_tokens(folded.render())
    saved = log - short
    if over and saved > 0:
        return folded
    pays = (1 - cache_price) * short < cache_price * calls_left * saved
    return folded if saved >= _LEAST and (pays or log > _SLACK * short) else None


def measured_cache_price(profile: Profile, used: Usage, shared: int) -> float:
    """What a token of a shared prefix has cost so far, relative to an encoded one.

    shared: how many tokens of all prompts began as the prompt before. An endpoint that had none of them has no cache
    for us, whatever it promises; before 4,000 shared tokens its word is taken.
    """
    if shared < 4_000 or used.encoded == 0:
        return profile.cache_price
    had = min(1.0, used.cached / shared)
    return profile.cache_price * had + (1 - had)
