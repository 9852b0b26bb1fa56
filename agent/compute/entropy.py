"""How unsure a model was, by the log-probabilities of what it wrote."""

from collections.abc import Sequence
from math import exp, log

from agent.llm import Choice, Completion, Token

_FIRST = 8
"""So many tokens tell how sure the start of a text is."""


def token_entropy(token: Token) -> float:
    """In nats, at least: no token that the endpoint does not list is likelier than the least likely that it lists.

    So what the listed ones leave of 1 adds that share times -log of the least likely's.
    """
    listed = list(token.alternatives.values()) or [token.logprob]
    seen = {**token.alternatives, token.text: token.logprob}
    shares = [exp(min(logprob, 0.0)) for logprob in seen.values()]
    scale = max(sum(shares), 1.0)
    rest = max(1.0 - sum(shares), 0.0)
    known = -sum(share / scale * log(share / scale) for share in shares if share > 0)
    return known + rest * -min(min(listed), 0.0)


def first_entropy(tokens: Sequence[Token]) -> float | None:
    """The mean entropy of the first tokens; None without any. Low for what is easy, and for confident mistakes too."""
    first = tokens[:_FIRST]
    return sum(map(token_entropy, first)) / len(first) if first else None


def label_share(completion: Completion, shape: Choice) -> float | None:
    """The probability of the chosen label among all labels, by its first token; None where that cannot be told."""
    if not completion.tokens or completion.text not in {option.label for option in shape.options}:
        return None
    token = completion.tokens[0]
    odds = {**token.alternatives, token.text: token.logprob}
    shares: dict[str, float] = {}
    for option in shape.options:
        begun = [text for text in odds if text and option.label.startswith(text)]
        shares[option.label] = sum(exp(min(odds[text], 0.0)) for text in begun)
    total = sum(shares.values())
    return shares[completion.text] / total if total > 0 else None
