"""`Recipe`: everything that decides how the embedder is trained, written next to what it made."""

import msgspec


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The defaults are those of the packaged model."""

    epochs: int = 2
    batch: int = 64
    """Queries of one batch; as many mined negatives stand beside their tools."""
    learning_rate: float = 8e-5
    warm_up: float = 0.06
    """Share of the steps over which the learning rate rises."""
    temperature: float = 0.05
    agreement: float = 1.0
    """Weight of drawing the early query vector to the one through all layers."""
    query_layers: int = 4
    """After how many of the six layers a query may leave."""
    early_queries: bool = False
    """Whether queries of the exported model do leave there: a third faster, and worse (docs/decisions/011)."""
    trained_share: float = 0.75
    """The share of the trained weights in the exported ones; the untrained have the rest (WiSE-FT, Wortsman et al.,
    2022): better on what was never seen than either."""
    seed: int = 20261122
