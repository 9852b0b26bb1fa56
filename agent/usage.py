"""`Usage`: what calls of a language model took: tokens, seconds, money."""

import msgspec


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one call, or of several added up.

    encoded: tokens of the prompts, cached ones included. cached: those of them that the endpoint says it had.
    decoded: tokens written. cost: in US dollars, by the endpoint's prices; 0 where it has none.
    """

    calls: int = 0
    encoded: int = 0
    cached: int = 0
    decoded: int = 0
    seconds: float = 0.0
    cost: float = 0.0

    @property
    def net_encoded(self) -> int:
        """Prompt tokens that had to be computed (PRISM, section 3.3)."""
        return self.encoded - self.cached

    @property
    def tokens(self) -> int:
        """Prompt and completion together, as budgets count them."""
        return self.encoded + self.decoded

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            calls=self.calls + other.calls,
            encoded=self.encoded + other.encoded,
            cached=self.cached + other.cached,
            decoded=self.decoded + other.decoded,
            seconds=self.seconds + other.seconds,
            cost=self.cost + other.cost,
        )
