"""What can be set on the ground floor; each default was measured (docs/decisions)."""

import msgspec

from retrieval.fusion import FusionKind
from retrieval.vectors import VectorKind


class RetrievalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How tools are found."""

    model: str = "tools-minilm-l6"
    """The embedding model: a packaged one, a folder with an exported one, or a sentence-transformers name."""
    fusion: FusionKind = "weighted"
    """How the vector and the word scores become one: `weighted`, `rrf`, `dense` or `lexical` alone."""
    dense_weight: float = 0.6
    """The vectors' share in `weighted`, from 0 to 1; the words have the rest."""
    group_alike: bool = True
    """Whether a tool that several servers publish alike stands once in a list, with the others as alternatives."""
    popularity: float = 0.05
    """How much a tool gains each time twice as many servers publish it alike (at most eight); needs `group_alike`."""
    candidates: int = 100
    """How many of the best of each part are fused."""
    fit_threshold: float = 0.1
    """Below this probability that a right tool is among the first, a search says that none fits well; 0: never."""
    vectors: VectorKind = "auto"
    """The vector index (`vectors.VectorKind`): `flat`, `sq8`, `hnsw`, `ivf`, `ivf_flat`, those of a GPU, or `auto`."""
    threads: int = 0
    """Threads of the embedding model; 0 takes all cores."""
